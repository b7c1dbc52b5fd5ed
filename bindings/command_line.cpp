// The command line: words in, verbs out.
#include "bindings/command_line.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>

#include "bindings/config.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/keys.hpp"
#include "bindings/run.hpp"
#include "bindings/serve.hpp"
#include "bindings/served_run.hpp"
#include "bindings/teach.hpp"
#include "bindings/vault.hpp"
#include "reports/pcapng.hpp"
#include "reports/visible.hpp"
#include "rig/mask.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

std::atomic<bool> stop = false;

void on_signal(int) { stop.store(true); }

void listen_for_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // a terminal window that closes ends the run in order, unless the user said nohup
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a trace that may grow no further is an error, not the end of the program
}

/// "10s" or "10 s".
Duration linger_of(std::string text) {
  const auto unit = text.find_first_not_of("0123456789");
  if (unit != std::string::npos && unit != 0 && text[unit] != ' ') text.insert(unit, " ");
  return Value(text, {std::make_shared<std::string>("--linger"), 0, 0}).duration(Duration(0), std::chrono::hours(24));
}

/// What files and devices said, on its way to a terminal: no card number, no control character.
std::string for_eyes(const std::string& what) { return visible(scrub(what)); }

/// Somebody wanted the output and did not get it; a reader that went away (`| head`) did not want it.
bool output_lost() {
  std::cout.flush();
  if (std::cout) return false;
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) return false;
  std::cerr << "swiperig: the output could not be written\n";
  return true;
}

}  // namespace

int command_line(int argc, char** argv) {
  CLI::App app{"swiperig: a card was swiped and nothing came back - was the money taken, and whose fault was it?"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "swiperig 0.1.0");
  app.footer(
      "exit codes: 0 all passed; 1 a case failed or stayed inconclusive; 2 wrong usage, bench or file; 3 rig fault or "
      "stopped\n\nexamples:\n  swiperig run fixtures/campaigns/no_return.toml\n"
      "  swiperig run fixtures/campaigns/no_return.toml --defect accepts_wrong_mac\n"
      "  swiperig explain runs/no_return-1 --cycle 5\n  swiperig check fixtures/benches/lab.toml\n"
      "  swiperig teach fixtures/benches/lab.toml");

  RunOptions run;
  std::int64_t cycles = 0;
  std::string linger;
  auto* run_command = app.add_subcommand("run", "do a campaign and report");
  run_command->add_option("CAMPAIGN", run.campaign, "campaign file (TOML)")->required();
  run_command->add_option("--bench", run.bench, "bench file (default: the campaign's own, or the virtual bench)");
  run_command->add_option("--host", run.host, "host profile (TOML) instead of the bench's own");
  const char* terminal_text = "terminal-profile file (default: the bench's own)";
  run_command->add_option("--terminal", run.terminal, terminal_text);
  run_command->add_option("--out", run.out, "new directory for the results (default: runs/<campaign>-<n>)");
  run_command->add_option("--seed", run.seed, "seed of every random draw (default 1)")->check(CLI::NonNegativeNumber);
  auto* cycles_option =
      run_command->add_option("--cycles", cycles, "cycles in all, cases in turn (default: the campaign's)");
  cycles_option->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  run_command->add_option("--defect", run.defect, "plant this defect in the virtual terminal or host");
  run_command->add_option("--threads", run.threads, "epochs at a time on a virtual bench (default: one a core)")
      ->check(CLI::Range(1, 256));
  run_command->add_option("--publish", run.publish,
                          "for `watch` and others: ipc:///FOLDER/NAME, or with --key tcp://HOST:PORT");
  run_command->add_option("--key", run.key, "NAME.key_secret of this rig; who may follow is in allow.toml beside it")
      ->needs("--publish");
  auto* linger_option =
      run_command->add_option("--linger", linger, "answer followers for so long after the end: \"10s\"");
  linger_option->needs("--publish");
  run_command->footer(
      "example: swiperig run fixtures/campaigns/no_return.toml --seed 7 --cycles 1000 --out runs/seven");

  std::string directory, bench, role, what, defect, terminal;
  std::int64_t cycle = 0;
  std::uint64_t seed = 1;
  auto* judge_command = app.add_subcommand("judge", "the verdicts again, from the trace alone");
  judge_command->add_option("DIR", directory, "results of a run")->required();
  judge_command->footer("example: swiperig judge runs/no_return-1");
  auto* books_command = app.add_subcommand("books", "the books of a run added up again: where every unit of money is");
  books_command->add_option("DIR", directory, "results of a run")->required();
  books_command->footer(
      "reads what the trace keeps of each cycle's books, 200,000 cycles a second and more; `swiperig judge` proves "
      "that "
      "it is what the events say\nexample: swiperig books runs/random-1");
  auto* explain_command = app.add_subcommand("explain", "one cycle as a timeline, and why it ended so");
  explain_command->add_option("DIR", directory, "results of a run")->required();
  explain_command->add_option("--cycle", cycle, "number of the cycle, from 0")->required();
  explain_command->footer("example: swiperig explain runs/no_return-1 --cycle 5");
  std::string format = "pcapng", out;
  auto* export_command = app.add_subcommand("export", "a run for other programs");
  export_command->add_option("DIR", directory, "results of a run")->required();
  export_command->add_option("--format", format, "pcapng: transfers, messages, events and verdicts, for Wireshark")
      ->check(CLI::IsMember({"pcapng"}));
  export_command->add_option("--out", out, "file (default: DIR/run.pcapng)");
  export_command->footer("example: swiperig export runs/no_return-1 --format pcapng");
  VaultOptions vault;
  std::uint64_t of_event = 0;
  auto* vault_command = app.add_subcommand("vault", "whole messages of test cards that a run has sealed");
  vault_command->add_option("DIR", vault.directory, "results of a run")->required();
  vault_command->add_option("--key", vault.key, "the bench's vault key file, of this user alone")->required();
  auto* event_option =
      vault_command->add_option("--event", of_event, "the message that this event tells (default: all)");
  event_option->check(CLI::PositiveNumber);
  vault_command->add_option("--reason", vault.reason, "why; it is logged with who and when before anything is shown")
      ->required();
  vault_command->footer(
      "a bench file with [vault] makes it; DIR/vault.access has every opening\nexamples:\n"
      "  swiperig vault runs/no_return-1 --key lab/vault.key --reason \"certification, case 12\"\n"
      "  swiperig vault runs/no_return-1 --key lab/vault.key --event 31 --reason \"MAC differs\"");
  WatchOptions watch;
  std::int64_t from = 0;
  auto* watch_command = app.add_subcommand("watch", "follow a run that is published");
  watch_command->add_option("URL", watch.url, "what the run was told to --publish at")->required();
  auto* from_option = watch_command->add_option("--from", from, "number of the first message (default: from now)");
  from_option->check(CLI::NonNegativeNumber);
  auto* watch_key = watch_command->add_option("--key", watch.key, "own NAME.key_secret, for a run with keys");
  auto* watch_server = watch_command->add_option("--server", watch.server, "public key of that run, or its NAME.key");
  watch_key->needs(watch_server);
  watch_server->needs(watch_key);
  watch_command->footer("example: swiperig watch ipc:///tmp/mine/run --from 0");
  std::string keys_dir, peer, public_key, role_told;
  auto* keys_command = app.add_subcommand("keys", "keys of those who follow or control from another machine");
  keys_command->require_subcommand(1);
  const char* dir_text = "folder of the keys (default: ~/.config/swiperig)";
  auto* new_command = keys_command->add_subcommand("new", "a key pair: NAME.key and NAME.key_secret");
  new_command->add_option("NAME", peer, "whose")->required();
  new_command->add_option("--dir", keys_dir, dir_text);
  auto* allow_command = keys_command->add_subcommand("allow", "let somebody in");
  allow_command->add_option("NAME", peer, "what the peer is called here")->required();
  allow_command->add_option("PUBLICKEY", public_key, "in 'quotes', or the peer's NAME.key file")->required();
  allow_command
      ->add_option("--role", role_told,
                   "observer (follows, asks), operator (moves the bench too) or admin (takes it from others too)")
      ->required()
      ->check(CLI::IsMember({"observer", "operator", "admin"}));
  allow_command->add_option("--dir", keys_dir, dir_text);
  auto* keys_list_command = keys_command->add_subcommand("list", "own pairs, and who is let in");
  keys_list_command->add_option("DIR", keys_dir, dir_text);
  keys_command->footer("example: swiperig keys new rig; swiperig keys allow wall wall.key --role observer");
  auto* plan_command = app.add_subcommand("plan", "every effect of a campaign, before anything moves");
  plan_command->add_option("CAMPAIGN", run.campaign, "campaign file (TOML)")->required();
  plan_command->add_option("--bench", bench, "bench file (default: the campaign's own, or the virtual bench)");
  plan_command->add_option("--terminal", terminal, terminal_text);
  plan_command->add_option("--seed", seed, "seed of drawn cases (default 1)")->check(CLI::NonNegativeNumber);
  plan_command->footer("example: swiperig plan fixtures/campaigns/no_return.toml");
  auto* list_command = app.add_subcommand("list", "what there is by name");
  list_command
      ->add_option("WHAT", what,
                   "actions, drivers, fixtures, parts, defects, rules, milestones, network, causes or behaviours")
      ->required()
      ->check(CLI::IsMember({"actions", "drivers", "fixtures", "parts", "defects", "rules", "milestones", "network",
                             "causes", "behaviours"}));
  list_command->footer("example: swiperig list milestones");
  auto* check_command = app.add_subcommand("check", "read a bench file and say what the bench is");
  check_command->add_option("BENCH", bench, "bench file (TOML)")->required();
  check_command->add_option("--terminal", terminal, terminal_text);
  check_command->footer("example: swiperig check fixtures/benches/realtime.toml");
  std::vector<std::string> names;
  auto* ca_command = app.add_subcommand(
      "ca", "make a test CA for terminals to trust, and the relay's certificate under it (tls = \"test_trust\")");
  ca_command->add_option("DIR", directory, "folder for ca.pem, ca.key, relay.pem, relay.key; nothing is overwritten")
      ->required();
  ca_command
      ->add_option("--name", names,
                   "name or address that terminals dial the relay by; again for each (default: localhost, "
                   "127.0.0.1)")
      ->allow_extra_args(false);
  ca_command->footer(
      "install DIR/ca.pem in the terminal as a CA it trusts, and in nothing else; DIR/ca.key signs for whoever has it\n"
      "examples:\n  swiperig ca lab-ca --name rig.lab --name 192.168.7.2\n  swiperig ca /tmp/test-ca");
  FluxOptions flux;
  auto* flux_command = app.add_subcommand("flux", "what a head sees of a stand-in card: lines of the contact port");
  flux_command->add_option("CARD", flux.card, "card of the bench")->required();
  flux_command->add_option("--bench", flux.bench, "bench file (default: the virtual bench)");
  flux_command->add_option("--speed", flux.speed_mm_s, "mm/s at the leading edge (default 500)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000}));
  flux_command->add_option("--acceleration", flux.acceleration_mm_s2, "mm/s2 from there on (default 0)")
      ->check(CLI::Range(std::int64_t{-100'000}, std::int64_t{100'000}));
  flux_command->add_option("--passes", flux.passes, "how often (default once)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000}));
  flux_command->add_option("--seed", flux.seed, "seed of jitter and dropouts (default 1)")
      ->check(CLI::NonNegativeNumber);
  flux_command->add_flag("--reverse", flux.reverse, "the end of the stripe first");
  flux_command->footer("example: swiperig flux debit --speed 300 --acceleration 2000 --passes 10");
  auto* stand_in_command = app.add_subcommand("stand-in", "serve simulated equipment to a real-time bench");
  stand_in_command->add_option("ROLE", role, "robot, supply, terminal or host (default: all, each a process)")
      ->check(CLI::IsMember({"robot", "supply", "terminal", "host"}));
  stand_in_command->add_option("--bench", bench, "bench file that names the ends")->required();
  stand_in_command->add_option("--terminal", terminal, terminal_text);
  stand_in_command->add_option("--defect", defect, "plant this defect in the terminal");
  stand_in_command->add_option("--seed", seed, "seed of the physics (default 1)")->check(CLI::NonNegativeNumber);
  stand_in_command->footer("example: swiperig stand-in --bench fixtures/benches/realtime.toml");
  auto* serve_command = app.add_subcommand("serve", "the controller of a bench with equipment: does what `run` asks");
  serve_command->add_option("BENCH", bench, "bench file (TOML)")->required();
  serve_command->add_option("--terminal", terminal, terminal_text);
  std::string control, control_key;
  serve_command->add_option("--control", control,
                            "who may move the bench comes here: ipc:///FOLDER/NAME, or with --key tcp://HOST:PORT");
  serve_command
      ->add_option("--key", control_key, "NAME.key_secret of this rig; who may come is in allow.toml beside it")
      ->needs("--control");
  serve_command->footer("example: swiperig serve fixtures/benches/realtime.toml");
  auto* teach_command =
      app.add_subcommand("teach", "jog a bench's robot, mark places, store them in its positions file");
  teach_command->add_option("BENCH", bench, "bench file (TOML)")->required();
  teach_command->footer(
      "lines are typed, `help` lists them: home, x+10, z-0.5, go 400 120, key OK, card debit, height press, save, "
      "quit\n"
      "example: swiperig teach fixtures/benches/lab.toml");
  auto* guard_command = app.add_subcommand("guard", "own a bench's robot and supply for the controller that starts it");
  guard_command->add_option("BENCH", bench, "bench file (TOML)")->required();
  guard_command->add_option("--terminal", terminal, terminal_text);
  bool robot_alone = false;
  guard_command->add_flag("--robot-alone", robot_alone,
                          "of a bench whose robot is taught: it is held and reset, and not parked");
  guard_command->footer("`run` starts it by itself; it ends with its controller, when the bench is safe");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' &&
        app.get_subcommands([&](CLI::App* v) { return v->check_name(argv[1]); }).empty()) {
      std::cerr << "swiperig: no subcommand \"" << argv[1] << "\"; swiperig --help names them\n";
      return 2;
    }
    return app.exit(e) == 0 ? 0 : 2;
  }
  listen_for_signals();
  const auto verb = [&] {
    if (*run_command) {
      if (*cycles_option) run.cycles = cycles;
      if (*linger_option) run.linger = linger_of(linger);
      const auto served = run_where_served(run, stop);
      return served ? *served : run_campaign(run, stop);
    }
    if (*judge_command) return judge_again(directory);
    if (*export_command) return export_run(directory, format, out);
    if (*vault_command) {
      if (*event_option) vault.event = of_event;
      return open_vault(vault);
    }
    if (*books_command) return add_up_books(directory);
    if (*explain_command) return explain_cycle(directory, cycle);
    if (*watch_command) {
      if (*from_option) watch.from = from;
      return watch_run(watch, stop);
    }
    if (*keys_command && keys_dir.empty()) keys_dir = keys_folder();
    if (*new_command) return new_keys(keys_dir, peer);
    if (*allow_command) return allow_key(keys_dir, peer, public_key, role_told);
    if (*keys_list_command) return list_keys(keys_dir);
    if (*plan_command) return print_plan(run.campaign, bench, terminal, seed);
    if (*list_command) return list_names(what);
    if (*check_command) return check_bench(bench, terminal);
    if (*ca_command) return make_ca(directory, names);
    if (*flux_command) return print_flux(flux);
    if (*serve_command) return serve_bench({bench, terminal, control, control_key}, stop);
    if (*guard_command) return guard_bench(bench, terminal, robot_alone);
    if (*teach_command) return teach_bench(bench, stop);
    return stand_in(role, bench, terminal, defect, seed, stop);
  };
  try {
    const int code = verb();
    return output_lost() ? 3 : code;
  } catch (const ConfigError& e) {
    std::cerr << "swiperig: " << for_eyes(e.what()) << "\n";
    return 2;
  } catch (const CaptureError& e) {
    std::cerr << "swiperig: " << for_eyes(e.what()) << "\n";
    return 2;
  } catch (const TraceError& e) {
    std::cerr << "swiperig: " << for_eyes(e.what()) << "\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "swiperig: rig fault: " << for_eyes(e.what()) << "\n";
    return 3;
  }
}

}  // namespace swiperig
