#include "bindings/python/said.hpp"

#include <map>

#include "bindings/campaign_file.hpp"

namespace swiperig {

namespace py = pybind11;

namespace {

Value read(const py::handle& given, const Place& place, int depth) {
  if (py::isinstance<py::tuple>(given)) {  // (file, line, value): said there
    const auto said = given.cast<py::tuple>();
    const Place there{std::make_shared<const std::string>(said[0].cast<std::string>()), said[1].cast<int>(), 0};
    return read(said[2], there, depth);
  }
  const Value unread(Value::Content(), place);
  if (depth > 32) unread.refuse("at most 32 levels");
  if (py::isinstance<py::str>(given)) {
    py::ssize_t bytes = 0;
    const char* text = PyUnicode_AsUTF8AndSize(given.ptr(), &bytes);
    if (text == nullptr) {
      PyErr_Clear();
      unread.refuse("text that is Unicode, without half of a surrogate pair");
    }
    return {std::string(text, static_cast<std::size_t>(bytes)), place};
  }
  if (py::isinstance<py::bool_>(given)) return {given.cast<bool>(), place};
  if (py::isinstance<py::int_>(given)) {
    int overflow = 0;
    const auto n = PyLong_AsLongLongAndOverflow(given.ptr(), &overflow);
    if (overflow != 0) unread.refuse("a whole number of at most 64 bits");
    return {std::int64_t{n}, place};
  }
  if (py::isinstance<py::float_>(given)) return {given.cast<double>(), place};
  if (py::isinstance<py::list>(given)) {
    auto array = std::make_shared<Value::Array>();
    for (const py::handle& one : given) array->push_back(read(one, place, depth + 1));
    return {std::move(array), place};
  }
  if (py::isinstance<py::dict>(given)) {
    std::map<std::string, Value> values;
    for (const auto& [key, one] : given.cast<py::dict>())
      values.emplace(key.cast<std::string>(), read(one, place, depth + 1));
    return {std::make_shared<Table>(std::move(values), place), place};
  }
  unread.refuse("text, a number, True or False, a list or a dict, not a " +
                std::string(py::str(py::type::of(given).attr("__name__"))));
}

}  // namespace

Value value_of(const py::tuple& said) { return read(said, Place(), 0); }

std::vector<Case> cases_of(const py::list& said) {
  std::vector<Case> cases;
  std::map<std::string, std::string> windows;
  for (const py::handle& one : said) {
    for (Case& c : read_case(value_of(one.cast<py::tuple>()), windows)) cases.push_back(std::move(c));
  }
  return cases;
}

}  // namespace swiperig
