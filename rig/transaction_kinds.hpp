// Every kind of transaction, a row each (DOMAIN.md 2.3): how its request is made up, what the terminal must do when no
// answer comes, which way money goes, and what the customer is asked. The terminal, the wire, the campaign files and
// the rules read the row; the stand-in of the host has rows of its own for what it books, so that neither can vouch for
// the other. What is no transaction but goes over the same line has a second, shorter table. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace swiperig {

enum class WhenUnanswered : std::uint8_t {
  nothing,  ///< neither reversed nor sent again by itself
  reverse,
  repeat,  ///< stored, and sent until it is answered
};

struct TransactionKind {
  std::string_view name;                   ///< in files and books
  std::string_view label;                  ///< as the terminal shows it
  std::string_view mti;                    ///< of the request
  std::string_view processing, condition;  ///< fields 3 and 25
  std::string_view type;                   ///< field 60.1
  bool mac = true;
  WhenUnanswered unanswered = WhenUnanswered::nothing;
  int sign = 0;               ///< +1: the cardholder pays; -1: is paid; 0: nothing is posted
  bool booked = true;         ///< it has a row in the books
  std::string_view original;  ///< the kind it is about; "": none
  bool takes_all = false;     ///< for the original's whole amount, and undoes it
  bool asks_card = false, asks_amount = false;
  std::string_view chinese;  ///< in reports
};

inline constexpr TransactionKind transaction_kinds[] = {
    // name, label, mti, 3, 25, 60.1, mac, unanswered, sign, booked, original, takes all of it, asks card, amount, in
    // Chinese
    {"sale", "SALE", "0200", "000000", "00", "22", true, WhenUnanswered::reverse, 1, true, "", false, true, true,
     "消费"},
    {"void", "VOID", "0200", "200000", "00", "23", true, WhenUnanswered::reverse, -1, true, "sale", true, false, false,
     "消费撤销"},
    {"refund", "REFUND", "0220", "200000", "00", "25", true, WhenUnanswered::nothing, -1, true, "sale", false, true,
     true, "退货"},
    {"preauth", "PREAUTH", "0100", "030000", "06", "10", true, WhenUnanswered::reverse, 0, true, "", false, true, true,
     "预授权"},
    {"preauth_cancel", "PREAUTH CANCEL", "0100", "200000", "06", "11", true, WhenUnanswered::reverse, 0, true,
     "preauth", true, false, false, "预授权撤销"},
    {"completion", "COMPLETION", "0200", "000000", "06", "20", true, WhenUnanswered::reverse, 1, true, "preauth", false,
     false, true, "预授权完成"},
    {"completion_cancel", "COMPLETION CANCEL", "0200", "200000", "06", "21", true, WhenUnanswered::reverse, -1, true,
     "completion", true, false, false, "预授权完成撤销"},
    {"completion_advice", "COMPLETION ADVICE", "0220", "000000", "06", "24", true, WhenUnanswered::repeat, 1, true,
     "preauth", false, false, true, "预授权完成通知"},
    {"balance", "BALANCE", "0200", "310000", "00", "01", true, WhenUnanswered::nothing, 0, false, "", false, true,
     false, "余额查询"},
    {"offline_sale", "OFFLINE SALE", "0220", "000000", "00", "30", true, WhenUnanswered::repeat, 1, true, "", false,
     true, true, "离线消费"},
    {"tip", "TIP", "0220", "000000", "00", "34", true, WhenUnanswered::repeat, 1, true, "sale", false, false, true,
     "小费"},
    {"adjustment", "ADJUSTMENT", "0220", "000000", "00", "32", true, WhenUnanswered::repeat, 1, true, "offline_sale",
     false, false, true, "结算调整"},
    {"status_query", "STATUS", "0200", "531000", "00", "22", true, WhenUnanswered::nothing, 0, false, "sale", false,
     false, false, "交易查询"},
};

/// What else a terminal does over its line, or by itself where the MTI is "".
struct ServiceKind {
  std::string_view name, label;
  std::string_view mti;
  std::string_view type, function;  ///< fields 60.1 and 60.3
};

inline constexpr ServiceKind service_kinds[] = {
    {"settlement", "SETTLE", "0500", "00", "201"},
    {"parameters", "PARAMETERS", "0800", "00", "360"},
    {"e_signature", "E-SIGNATURE", "0820", "07", "800"},
    {"logoff", "LOGOFF", "0820", "00", "002"},
    {"echo", "ECHO", "0820", "00", "301"},
    {"update", "UPDATE", "", "", ""},
    {"reprint", "REPRINT", "", "", ""},
};

namespace detail {
template <class Rows, class Test>
constexpr auto first_row(const Rows& rows, Test test) {
  const auto* at = std::find_if(std::begin(rows), std::end(rows), test);
  return at == std::end(rows) ? nullptr : at;
}
}  // namespace detail

/// Null where there is no such row.
constexpr const TransactionKind* kind_named(std::string_view name) {
  return detail::first_row(transaction_kinds, [&](const TransactionKind& k) { return k.name == name; });
}
constexpr const TransactionKind* kind_of(std::string_view mti, std::string_view processing, std::string_view type) {
  return detail::first_row(transaction_kinds, [&](const TransactionKind& k) {
    return k.mti == mti && k.processing == processing && k.type == type;
  });
}
constexpr const ServiceKind* service_named(std::string_view name) {
  return detail::first_row(service_kinds, [&](const ServiceKind& k) { return k.name == name; });
}

inline constexpr const TransactionKind& the_sale = transaction_kinds[0];

}  // namespace swiperig
