// The verbs of the command line that do not run a campaign.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "bindings/assembly.hpp"
#include "bindings/attribution.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/child.hpp"
#include "bindings/config.hpp"
#include "bindings/places.hpp"
#include "bindings/run.hpp"
#include "bindings/strategies.hpp"
#include "bindings/vault.hpp"
#include "fixtures/contact_port.hpp"
#include "reports/explain.hpp"
#include "reports/export.hpp"
#include "reports/run_books.hpp"
#include "reports/summary.hpp"
#include "reports/visible.hpp"
#include "rig/host_behaviour.hpp"
#include "rig/trace_books.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

void row(const std::string& name, const std::string& more) {
  std::cout << "  " << visible(name) << std::string(name.size() < 28 ? 28 - name.size() : 1, ' ') << visible(more)
            << "\n";
}

/// Until the user stops, or a stand-in ends by itself.
Task<> until_one_ends(Clock& clock, const std::vector<pid_t>& children, const std::atomic<bool>& abort) {
  while (!abort.load()) {
    for (const pid_t child : children) {
      siginfo_t ended = {};
      if (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
        co_return;
    }
    co_await clock.sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

int judge_again(const std::string& directory) {
  const TraceReader trace(directory + "/run.trace");
  const std::string vault = prove_vault(directory, trace.run().id, trace.head(), trace.vault());
  Summary summary(trace.run());
  std::int64_t differ = 0, other_books = 0;
  trace.for_each([&](const CycleRecord& stored) {
    CycleRecord again = stored;
    if (stored.verdict) {
      again.verdict = judge(trace.case_named(stored.case_name), trace.run().scope, stored.events);
      if (to_json(*again.verdict) != to_json(*stored.verdict)) ++differ;
      if (again.verdict->books != stored.verdict->books) ++other_books;
    }
    summary.add(again);
  });
  summary.end(trace.head(), trace.wall_ms(), trace.bench_time());
  std::cout << summary.closing_table() << summary.json();
  const std::int64_t done = summary.outcomes().total(), planned = trace.run().cycles_planned;
  if (!vault.empty()) std::cout << "vault: " << vault << "\n";
  if (trace.head().empty()) std::cout << "the run did not end in order\n";
  if (done < planned) std::cout << "only " << done << " of " << planned << " planned cycles\n";
  if (other_books != 0) std::cout << "of " << other_books << " cycles the table books has not what their events say\n";
  if (differ != 0) std::cout << differ << " cycles are judged otherwise than when they ran\n";
  Outcome worst = summary.worst();
  if (worst == Outcome::pass && (other_books != 0 || trace.head().empty() || done < planned))
    worst = Outcome::inconclusive;
  return worst == Outcome::pass ? 0 : worst == Outcome::error ? 3 : 1;
}

int add_up_books(const std::string& directory) {
  BooksReader trace(directory + "/run.trace");
  RunBooks books;
  std::int64_t cycles = 0;
  while (const StoredBooks* one = trace.next()) {
    books.add(*one);
    ++cycles;
  }
  books.end();
  std::int64_t attempts = 0, unexplained_ones = 0;
  for (std::size_t i = 0; i < books.classes().size(); ++i) {
    attempts += books.classes()[i].attempts;
    if (unexplained(static_cast<Standing::Class>(i))) unexplained_ones += books.classes()[i].attempts;
  }
  std::cout << books.table() << cycles << " cycles, " << attempts << " attempts, each in one class; ";
  if (unexplained_ones == 0) std::cout << "every unit of money is explained\n";
  if (unexplained_ones != 0) std::cout << "the money of " << unexplained_ones << " is not explained\n";
  const bool whole = trace.cycles() == cycles;
  if (trace.cycles() < 0) std::cout << "the run did not end in order: nothing proves these rows\n";
  if (trace.cycles() > cycles) std::cout << trace.cycles() - cycles << " cycles have no verdict, and no books\n";
  std::cout << "that they are what the events say: swiperig judge " << visible(directory) << "\n";
  return whole && unexplained_ones == 0 && books.found() == 0 ? 0 : 1;
}

int explain_cycle(const std::string& directory, std::int64_t number) {
  const TraceReader trace(directory + "/run.trace");
  const auto cycle = trace.cycle(number);
  if (!cycle) {
    throw ConfigError(directory + ": no cycle " + std::to_string(number) + "; the run planned cycles 0 to " +
                      std::to_string(trace.run().cycles_planned - 1));
  }
  std::cout << explain(trace.case_named(cycle->case_name), trace.run().scope, *cycle);
  std::vector<CycleRecord> later;
  Time ended = cycle->ended;
  for (std::int64_t n = number + 1; n <= number + late_cycles; ++n) {
    std::optional<CycleRecord> next = trace.cycle(n);
    if (!next || next->begun < ended) break;  // on another bench
    ended = next->ended;
    later.push_back(*std::move(next));
  }
  std::cout << amendments(*cycle, later);
  return 0;
}

int export_run(const std::string& directory, const std::string& format, const std::string& out) {
  if (format != "pcapng") throw ConfigError("--format " + format + ": expected pcapng");
  const std::string path = out.empty() ? directory + "/run.pcapng" : out;
  const Exported all = export_pcapng(directory, path);
  std::cout << path << ": " << all.usb << " USB transfers, " << all.network << " network messages, " << all.events
            << " events, " << all.verdicts << " verdicts\n";
  if (all.cut) std::cout << "the end of wires.pcapng was lost; what was kept before is here\n";
  return 0;
}

int print_plan(const std::string& campaign, const std::string& bench, const std::string& terminal, std::uint64_t seed) {
  Campaign c = read_campaign(campaign);
  const BenchFile b =
      read_bench(bench_or_virtual(bench.empty() ? c.bench : bench), terminal.empty() ? c.terminal : terminal);
  check_feasible(c, b);
  add_pairs(c, b);
  add_trials(c, b);
  std::cout << plan(c, b, seed);
  return 0;
}

int list_names(const std::string& what) {
  if (what == "actions") {
    row("swipe",
        "of a case: \"500 mm/s\", or { speed, acceleration, reverse, face, partial, stop, tilt, twice, lift }");
    row("dip", "of a case: { dwell = \"6 s\" }, and depth, speed; pulled when the dwell is over");
    row("tap", "of a case: { hold = \"800 ms\" }, and height");
    row("press", "of a step: keys by name, \"1 2 OK\"");
    row("power", "of a step: \"off\"");
    row("brown_out", "of a step: { to = \"3.1 V\", lasts = \"80 ms\" }, and fall, rise, steps");
    row("network, host, part", "of a step: list network, behaviours, parts");
  } else if (what == "drivers") {
#define DRIVER(name, kind, text) row(#name, std::string(#kind) + ": " + (text));
#include "drivers/table.def"
#undef DRIVER
  } else if (what == "fixtures") {
    row("robot", "stand-in for the actuator: GRBL 1.1, card magazine, key finger");
    row("supply", "stand-in for the power: SCPI, hold-up, current reading");
    row("terminal", "stand-in for the terminal: reader, keys, prompts, journal, acquirer protocol");
    row("host", "stand-in for the acquirer and the issuer: ISO 8583, ledger, script");
  } else if (what == "defects") {
    const std::map<std::string_view, std::string_view> sections = {
#define RULE(name, section, text, chinese) {#name, section},
#include "rig/rules.def"
#undef RULE
    };
#define DEFECT(name, rule, text) row(#name, #rule ": " text " (" + std::string(sections.at(#rule)) + ")");
#define PART_DEFECT DEFECT
#define HOST_DEFECT DEFECT
#include "fixtures/defects.def"
#include "fixtures/host_defects.def"
#undef HOST_DEFECT
#undef PART_DEFECT
#undef DEFECT
  } else if (what == "parts") {
#define PART(part, state, section, text) row(#part " " #state, std::string(text) + " (DOMAIN.md " + (section) + ")");
#include "rig/parts.def"
#undef PART
#define RIG_FAULT(part, state, text) row(#part " " #state, std::string("the rig's own: ") + (text));
#include "rig/rig_faults.def"
#undef RIG_FAULT
  } else if (what == "rules") {
#define RULE(name, section, text, chinese) row(#name, section ": " text ", " chinese);
#include "rig/rules.def"
#undef RULE
  } else if (what == "milestones") {
#define MILESTONE(name, who, text) row(#name, std::string(#who) + ": " + (text));
#include "rig/milestones.def"
#undef MILESTONE
  } else if (what == "behaviours") {
    for (const HostBehaviourRow& b : host_behaviour_rows) {
      const bool any = std::string_view(b.codes) == "*";
      std::string told = b.lasts == HostBehaviourRow::must  ? "; lasts"
                         : b.lasts == HostBehaviourRow::may ? "; lasts?"
                                                            : "";
      if (*b.codes != '\0') told += std::string("; code ") + (any ? "of two characters" : b.codes);
      row(b.name, b.text + told);
    }
  } else if (what == "network") {
#define NETWORK_FAULT(name, upon, text) row(#name, std::string("upon the ") + #upon + ": " + (text));
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  } else {
#define CAUSE(name, section, parent, english, chinese) \
  row(#name, std::string(english) + " / " + (chinese) + " (DOMAIN.md " + (section) + ")");
#include "rig/causes.def"
#undef CAUSE
  }
  return 0;
}

int print_flux(const FluxOptions& o) {
  const BenchFile b = read_bench(bench_or_virtual(o.bench));
  const auto card = b.cards.find(o.card);
  if (card == b.cards.end()) throw ConfigError(b.path + ": no stand-in card is called \"" + o.card + "\"");
  Pass pass;
  pass.segments = {{0, 0, static_cast<double>(o.speed_mm_s), static_cast<double>(o.acceleration_mm_s2)}};
  pass.reverse = o.reverse;
  for (std::int64_t i = 0; i < o.passes; ++i) {
    Draws draws(o.seed, 0, static_cast<std::uint32_t>(i), 0);
    const HeadSignal signal = flux(card->second, pass, draws);
    std::cout << (signal.empty() ? "{\"pass\":\"plastic\"}\n" : head_line(signal));
  }
  return 0;
}

int stand_in(const std::string& role, const std::string& bench, const std::string& terminal, const std::string& defect,
             std::uint64_t seed, const std::atomic<bool>& abort) {
  const BenchFile file = read_bench(bench, terminal);
  if (!role.empty()) {
    std::set<std::string> defects;
    if (!defect.empty()) defects.insert(defect);
    serve_stand_in(role, file, defects, seed, abort);
    return 0;
  }
  if (file.is_virtual) throw ConfigError(bench + ": a virtual bench has no stand-ins to serve; use a real-time bench");
  std::vector<pid_t> children;
  for (const char* one : {"host", "terminal", "robot", "supply"}) {
    std::vector<std::string> argv = {"/proc/self/exe", "stand-in",          one, "--bench", bench,
                                     "--seed",         std::to_string(seed)};
    if (!terminal.empty()) argv.insert(argv.end(), {"--terminal", terminal});
    if (!defect.empty()) argv.insert(argv.end(), {"--defect", defect});
    children.push_back(start_child(argv));
  }
  std::cout << "stand-ins of " << bench << " are served; Ctrl-C ends them" << std::endl;
  SteadyClock clock;
  clock.run(until_one_ends(clock, children, abort));
  int worst = 0;
  for (const pid_t child : children) kill(child, SIGTERM);
  for (const pid_t child : children) worst = std::max(worst, end_child(child, 5000));
  return worst;
}

}  // namespace swiperig
