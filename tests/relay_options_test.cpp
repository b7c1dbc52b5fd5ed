// What a bench file says of its relay: each key is taken, or refused where it stands, and so is a case that the relay
// cannot do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/bench_file.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "tests/program.hpp"
#include "tests/tls_peer.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// The laboratory's bench, with more in its [network] table.
class RelayOptions : public testing::Test {
 protected:
  RelayOptions() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
    std::filesystem::copy(certificates().folder.path(), folder.path() / "benches/ca",
                          std::filesystem::copy_options::recursive);
  }
  BenchFile read(const std::string& more, const char* bench = "benches/lab.toml") {
    const std::string before = read_text(folder / bench);
    folder.write(bench, replaced(before, "[network]\n", "[network]\n" + more + "\n"));
    try {
      BenchFile b = read_bench(folder / bench);
      folder.write(bench, before);
      return b;
    } catch (...) {
      folder.write(bench, before);
      throw;
    }
  }
  /// Why a bench with this in it is refused, or "".
  std::string refused(const std::string& more, const char* bench = "benches/lab.toml") {
    try {
      read(more, bench);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  }
  /// Where the `nth` line that was put in stands.
  std::string line(int nth, const std::string& bench = "benches/lab.toml") {
    const std::string all = read_text(folder / bench);
    const auto at = all.find("[network]\n");
    return (std::filesystem::path(bench).filename().string()) + ":" +
           std::to_string(1 + nth + std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), '\n')) + ":";
  }
  /// Why a case with this step cannot be done on the bench, or "".
  std::string cannot(const BenchFile& bench, const std::string& step, const std::string& must = "\"told\"") {
    folder.write("one.toml",
                 "schema = 1\nname = \"one\"\n\n[[case]]\nname = \"this\"\namount = \"12.34\"\ncard = \"debit\"\n"
                 "swipe = \"500 mm/s\"\ncause = \"network\"\nmust = [" +
                     must + "]\n\n[[case.step]]\n" + step + "\n");
    try {
      check_feasible(read_campaign(folder / "one.toml"), bench);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  }
  const std::string trust =
      "tls = \"test_trust\"\ncertificate = \"ca/rig/relay.pem\"\nkey = \"ca/rig/relay.key\"\n"
      "host_ca = \"ca/host/ca.pem\"";
  Folder folder;
};

TEST_F(RelayOptions, ArePlaintextUnlessTold) {
  for (const char* said : {"", "tls = \"plaintext\""}) {
    const BenchFile b = read(said);
    EXPECT_FALSE(b.relay.opaque);
    EXPECT_EQ(b.relay.terminal_tls, nullptr);
    EXPECT_EQ(b.relay.most_connections, 1000U);
    EXPECT_EQ(b.hold_max.count(), 0);
  }
  EXPECT_THAT(refused("tls = \"none\""), AllOf(HasSubstr(line(1)), HasSubstr("test_trust")));
}

TEST_F(RelayOptions, TestTrustNamesWhoIsTrusted) {
  const BenchFile b = read(trust);
  ASSERT_NE(b.relay.terminal_tls, nullptr);
  EXPECT_EQ(b.relay.host_tls->peer(), "host.lab") << "as it is dialled";
  EXPECT_EQ(read(trust + "\nhost_name = \"bank.lab\"").relay.host_tls->peer(), "bank.lab");
}

TEST_F(RelayOptions, WhatTestTrustLacksIsToldWhereItStands) {
  EXPECT_THAT(refused("tls = \"test_trust\""), AllOf(HasSubstr("lab.toml:"), HasSubstr("certificate")));
  EXPECT_THAT(refused(replaced(trust, "ca/rig/relay.pem", "ca/expired/relay.pem")),
              AllOf(HasSubstr(line(2)), HasSubstr("the key of")));
  EXPECT_THAT(refused(replaced(trust, "ca/rig/", "ca/expired/")), AllOf(HasSubstr(line(2)), HasSubstr("not expired")));
  EXPECT_THAT(refused(replaced(trust, "ca/host/ca.pem", "ca/host/ca.key")),
              AllOf(HasSubstr(line(4)), HasSubstr("certificates of a CA in PEM")));
  EXPECT_THAT(refused(replaced(trust, "ca/host/ca.pem", "ca/nobody.pem")),
              AllOf(HasSubstr(line(4)), HasSubstr("file")));
  EXPECT_THAT(refused("certificate = \"ca/rig/relay.pem\""), AllOf(HasSubstr(line(1)), HasSubstr("test_trust")));
  EXPECT_THAT(refused(trust, "benches/virtual.toml"),
              AllOf(HasSubstr(line(1, "benches/virtual.toml")), HasSubstr("speak no TLS")));
}

TEST_F(RelayOptions, AKeyThatOthersMayReadIsRefused) {
  const std::filesystem::path key = folder / "benches/ca/rig/relay.key";
  EXPECT_EQ(refused(trust), "");
  std::filesystem::permissions(key, std::filesystem::perms(0640));
  EXPECT_THAT(refused(trust), AllOf(HasSubstr(line(3)), HasSubstr("chmod 600")));
}

TEST_F(RelayOptions, WhatIsOpaqueHasNoMessages) {
  const BenchFile opaque = read("tls = \"opaque\""), plain = read("");
  for (const char* step :
       {"when = \"response_entered\"\nnetwork = \"drop\"",
        "when = \"request_left\"\nafter = \"3 ms\"\nnetwork = \"outage\"",
        "when = \"request_entered\"\npower = \"off\"", "when = \"start\"\nnetwork = \"jitter\"\nwait = \"1 s\""}) {
    EXPECT_THAT(cannot(opaque, step), AllOf(HasSubstr("one.toml:4:"), HasSubstr("tls = \"opaque\""))) << step;
    EXPECT_EQ(cannot(plain, step), "") << step;
  }
  for (const char* step :
       {"when = \"connected\"\nnetwork = \"outage\"\nlasts = \"60 s\"",
        "when = \"start\"\nnetwork = \"rate\"\nbytes_per_s = 100", "when = \"start\"\nnetwork = \"accept_reset\"",
        "when = \"committed\"\npower = \"off\"", "when = \"request_at_host\"\nhost = \"silent\""}) {
    EXPECT_EQ(cannot(opaque, step), "") << step;
  }
  const std::string counted = "when = \"connected\"\nnetwork = \"cut_after\"\nbytes = 900\nsender = \"host\"";
  EXPECT_EQ(cannot(opaque, counted + "\nthen = \"reset\"\nside = \"terminal\""), "");
  EXPECT_THAT(cannot(plain, counted), AllOf(HasSubstr("one.toml:4:"), HasSubstr("cut at the one's")));
  for (const std::string& odd :
       {counted + "\nafter = \"1 ms\"", replaced(counted, "connected", "committed"), replaced(counted, "900", "0"),
        counted + "\nlasts = \"1 s\"", replaced(counted, "bytes = 900\n", ""), replaced(counted, "host", "both"),
        replaced(counted, "\nsender = \"host\"", "")}) {
    EXPECT_THAT(cannot(opaque, odd), HasSubstr("one.toml:")) << odd;
  }
  const std::string outage = "when = \"connected\"\nnetwork = \"outage\"";
  EXPECT_THAT(cannot(opaque, outage, "\"request_entered\""), HasSubstr("nobody there sees request_entered"));
}

TEST_F(RelayOptions, NoCaseHoldsLongerThanTheBenchAllows) {
  const BenchFile bench = read("hold_max = \"5 s\"");
  EXPECT_EQ(bench.hold_max, 5s);
  const auto delay = [](const char* kind, const char* lasts) {
    return std::string("when = \"response_entered\"\nnetwork = \"") + kind + "\"\nlasts = \"" + lasts + "\"";
  };
  for (const char* kind : {"delay", "reorder"}) {
    EXPECT_THAT(cannot(bench, delay(kind, "5001 ms")), AllOf(HasSubstr("one.toml:4:"), HasSubstr("hold_max, 5 s")));
    EXPECT_EQ(cannot(bench, delay(kind, "5 s")), "");
    EXPECT_EQ(cannot(read(""), delay(kind, "5001 ms")), "");
  }
  EXPECT_THAT(refused("hold_max = \"0 s\""), HasSubstr(line(1)));
  EXPECT_THAT(refused("connections = 0"), HasSubstr(line(1)));
}

TEST_F(RelayOptions, TooFewDescriptorsAreRefusedByName) {
  const auto check_with = [&](int descriptors, int connections) {
    folder.write("benches/few.toml", replaced(read_text(folder / "benches/lab.toml"), "[network]\n",
                                              "[network]\nconnections = " + std::to_string(connections) + "\n"));
    const std::string command = "cd '" + folder.path().string() + "' && ulimit -n " + std::to_string(descriptors) +
                                " && '" + programs::swiperig + "' check benches/few.toml >said 2>&1";
    const int code = std::system(command.c_str());
    return std::pair(WEXITSTATUS(code), read_text(folder / "said"));
  };
  const auto [code, said] = check_with(500, 300);
  EXPECT_EQ(code, 2);
  EXPECT_THAT(said, AllOf(HasSubstr("benches/few.toml:"), HasSubstr("ulimit -n"), HasSubstr("664"), HasSubstr("500")));
  EXPECT_EQ(check_with(500, 200).first, 0) << "the twin";
}

TEST_F(RelayOptions, CheckTellsThem) {
  folder.write("benches/lab.toml", replaced(read_text(folder / "benches/lab.toml"), "[network]\n",
                                            "[network]\nhold_max = \"5 s\"\n" + trust + "\n"));
  const Said said = swiperig(folder, {"check", "benches/lab.toml"});
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, AllOf(HasSubstr("TLS ends here; its certificate lasts 82"), HasSubstr("the host is host.lab"),
                              HasSubstr("held for 5 s at most")));
}

/// An honest terminal is not accused where its messages cannot be seen.
TEST_F(RelayOptions, AnOpaqueVirtualBenchRuns) {
  folder.write("benches/virtual.toml",
               replaced(read_text(folder / "benches/virtual.toml"), "[network]\n", "[network]\ntls = \"opaque\"\n"));
  folder.write("calls.toml",
               "schema = 1\nname = \"calls\"\n\n"
               "[[case]]\nname = \"nothing\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\n"
               "cause = \"none\"\nmust = [\"told\"]\n\n"
               "[[case]]\nname = \"host silent\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\n"
               "cause = \"host_down\"\nmust = [\"card_read\"]\n[[case.step]]\nwhen = \"start\"\nhost = \"silent\"\n\n"
               "[[case]]\nname = \"outage\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\n"
               "cause = \"network\"\nmust = [\"committed\"]\n[[case.step]]\nwhen = \"committed\"\n"
               "network = \"outage\"\nlasts = \"90 s\"\n");
  const Said said = swiperig(folder, {"run", "calls.toml", "--bench", "benches/virtual.toml", "--out", "out"});
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
}

/// After any number of bytes, whoever said them; one that does not come to so many proves nothing.
TEST_F(RelayOptions, BytesAreCountedWhereNoMessageIsSeen) {
  folder.write("benches/virtual.toml",
               replaced(read_text(folder / "benches/virtual.toml"), "[network]\n", "[network]\ntls = \"opaque\"\n"));
  const auto cut = [](const std::string& name, const std::string& nth, const std::string& bytes, const char* sender,
                      const char* then) {
    return "\n[[case]]\nname = \"" + name +
           "\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"network\"\n"
           "must = [\"card_read\"]\n[[case.step]]\nwhen = \"connected\"\nnth = " +
           nth + "\nnetwork = \"cut_after\"\nbytes = " + bytes + "\nsender = \"" + sender + "\"\nthen = \"" + then +
           "\"\n";
  };
  const std::string some = "{ from = 1, to = 100, by = 33 }";
  const std::string begin = "schema = 1\nname = \"counted\"\nrepeat = 1\n";
  folder.write("counted.toml", begin + cut("response", "2", some, "host", "silence") +
                                   cut("response, FIN", "2", some, "host", "fin") +
                                   cut("response, reset", "2", some, "host", "reset") +
                                   cut("request", "2", some, "terminal", "silence") +
                                   cut("request, reset", "2", some, "terminal", "reset"));
  const Said said = swiperig(folder, {"run", "counted.toml", "--bench", "benches/virtual.toml", "--out", "out"});
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_THAT(said.out, HasSubstr("20 cycles: pass 20;"));
  folder.write("more.toml", begin + cut("more than there are", "2", "5000", "host", "silence"));
  const Said more = swiperig(folder, {"run", "more.toml", "--bench", "benches/virtual.toml", "--out", "twin"});
  EXPECT_EQ(more.exit_code, 1) << more.out;
  EXPECT_THAT(more.out, HasSubstr("inconclusive 1"));
  EXPECT_THAT(swiperig(folder, {"explain", "twin", "--cycle", "0"}).out, HasSubstr("before so many bytes had come"));
}

TEST(TestCa, IsWhatOpenSslVerifies) {
  Folder folder;
  const Said said = swiperig(folder, {"ca", "lab-ca", "--name", "rig.lab", "--name", "192.168.7.2"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, AllOf(HasSubstr("install it in the terminal"), HasSubstr("rig.lab, 192.168.7.2")));
  for (const auto& [name, mode] :
       {std::pair{"ca.key", 0600}, {"relay.key", 0600}, {"ca.pem", 0644}, {"relay.pem", 0644}}) {
    EXPECT_EQ(static_cast<int>(std::filesystem::status(folder / ("lab-ca/" + std::string(name))).permissions()), mode)
        << name;
  }
  const auto verifies = [&](const std::string& how) {
    const std::string command = "openssl verify -x509_strict -CAfile '" + folder / "lab-ca/ca.pem" + "' " + how + " '" +
                                (folder / "lab-ca/relay.pem") + "' >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  };
  EXPECT_TRUE(verifies("-purpose sslserver -verify_hostname rig.lab"));
  EXPECT_TRUE(verifies("-purpose sslserver -verify_ip 192.168.7.2"));
  EXPECT_FALSE(verifies("-verify_hostname bank.lab"));
  EXPECT_FALSE(verifies("-purpose sslclient"));
}

TEST(TestCa, OverwritesNothingAndTakesNamesAlone) {
  Folder folder;
  EXPECT_EQ(swiperig(folder, {"ca", "one"}).exit_code, 0);
  const std::string key = read_text(folder / "one/ca.key");
  const Said again = swiperig(folder, {"ca", "one", "--name", "rig.lab"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("one/ca.pem: expected no such file yet"));
  EXPECT_EQ(read_text(folder / "one/ca.key"), key);
  for (const char* name : {"", "rig.lab:8583", "a,IP:1.2.3.4", "rig lab", "DNS:x\ny"}) {
    const Said odd = swiperig(folder, {"ca", "two", "--name", name});
    EXPECT_EQ(odd.exit_code, 2) << name;
    EXPECT_FALSE(std::filesystem::exists(folder / "two")) << name;
  }
  EXPECT_THAT(swiperig(folder, {"ca", "--help"}).out, AllOf(HasSubstr("examples"), HasSubstr("swiperig ca lab-ca")));
  EXPECT_EQ(swiperig(folder, {"ca", "nowhere/two"}).exit_code, 2);
}

}  // namespace
}  // namespace swiperig
