// The Python package's compiled half, as narrow as it can be: values in, records and columns out. What it does is said
// in swiperig/_core.pyi; what people see is the Python beside it. Calls that run cases let go of the interpreter, and
// take it back every 20 ms to see whether Ctrl-C was pressed; no thread of C++ ever does. When the interpreter ends, it
// waits for calls that other threads are in (end_runs), so that none comes back to an interpreter that is gone.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>

#include "bindings/assembly.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/fork_gate.hpp"
#include "bindings/held_bench.hpp"
#include "bindings/python/columns.hpp"
#include "bindings/python/said.hpp"
#include "bindings/python/words.hpp"
#include "reports/consequences.hpp"
#include "reports/explain.hpp"
#include "reports/visible.hpp"
#include "rig/clock.hpp"
#include "rig/mask.hpp"

namespace py = pybind11;
using namespace swiperig;

namespace {

constexpr std::size_t most_kept = 100;  // cycles that did not pass, of one call

std::atomic<int> running = 0;
std::atomic<bool> ending = false;
std::atomic<unsigned long> ends_python = 0;  // the thread that does

/// A thread ends with it in silence; one that told why beside an interpreter that is going away would abort it.
[[noreturn]] void end_thread() {
  PyErr_SetString(PyExc_SystemExit, "Python is ending; the bench is at rest");
  throw py::error_already_set();
}

/// A call that lets go of the interpreter.
class Running {
 public:
  Running() {
    if (ending && PyThread_get_thread_ident() != ends_python.load()) end_thread();
    if (ending) throw EquipmentError("Python is ending: nothing is begun any more");
    ++running;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    --running;
    running.notify_all();
  }
};

/// Asked as often as one likes: whether to stop, because of Ctrl-C or of the end of Python.
class Interrupt {
 public:
  bool operator()() {
    const double now = machine_seconds();
    if (now - asked_ < 0.01) return stop_;
    asked_ = now;
    if (ending) stop_ = true;
    const py::gil_scoped_acquire python;
    if (PyErr_CheckSignals() != 0) {
      // the first one is raised once the bench is at rest; acting is not cut short by a second one
      py::error_already_set raised;
      if (!raised_) raised_.emplace(std::move(raised));
      stop_ = true;
    }
    return stop_;
  }
  void raise() {
    if (raised_) throw py::error_already_set(std::move(*raised_));
  }

 private:
  double asked_ = machine_seconds();
  bool stop_ = false;
  std::optional<py::error_already_set> raised_;
};

// --- what a cycle left ----------------------------------------------------------------------------------------------

struct DoneCycle {
  CycleRecord record;
  Case done;
  std::shared_ptr<const Scope> scope;
  const Verdict& verdict() const { return *record.verdict; }
};

/// One column where it lies; whoever holds it holds them all.
struct Column {
  std::shared_ptr<const Columns> all;
  const void* begin;
  std::size_t bytes, count;
  std::string format;
};

template <class T>
Column column(const std::shared_ptr<const Columns>& all, const std::vector<T>& one) {
  return {all, one.data(), sizeof(T), one.size(), py::format_descriptor<T>::format()};
}

py::dict columns_dict(const std::shared_ptr<const Columns>& all) {
  py::dict out;
  const auto add = [&](const char* name, const auto& one) {
    const py::object made = py::cast(column(all, one));
    out[name] = py::memoryview(py::buffer(made));
  };
  add("seq", all->seq);
  add("cycle", all->cycle);
  add("at_ns", all->at_ns);
  add("at_uncertainty_ns", all->at_uncertainty_ns);
  add("source", all->source);
  add("kind", all->kind);
  add("milestone", all->milestone);
  return out;
}

py::tuple event_row(const Columns& all, std::int64_t index) {
  const auto n = static_cast<std::int64_t>(all.size());
  if (index < 0) index += n;
  if (index < 0 || index >= n) throw py::index_error("no event there");
  const auto i = static_cast<std::size_t>(index);
  const std::string_view body = all.body(i);
  return py::make_tuple(all.seq[i], all.cycle[i], all.at_ns[i], all.at_uncertainty_ns[i], all.source[i], all.kind[i],
                        py::reinterpret_steal<py::str>(
                            PyUnicode_DecodeUTF8(body.data(), static_cast<py::ssize_t>(body.size()), "replace")));
}

std::string sentence_of(const std::string& kind, const std::string& body) {
  Event e;
  e.body = parse_body(kind, body);
  return sentence(e);
}

py::list findings_of(const DoneCycle& c) {
  py::list out;
  for (const Finding& f : c.verdict().findings) out.append(py::make_tuple(f.rule, f.what, f.evidence));
  return out;
}

py::tuple money_tuple(const DoneCycle& c) {
  const Money money = money_of(*c.scope, c.record);
  py::list rows;
  for (const MoneyRow& r : money.rows) {
    rows.append(py::make_tuple(r.batch, r.stan, r.of_case, r.requested_minor, r.told, r.told_minor, r.journal,
                               r.journal_minor, r.ledger, r.ledger_minor));
  }
  return py::make_tuple(money.balanced, money.sentence, rows);
}

std::optional<std::int64_t> recovery_ns(const DoneCycle& c) {
  const auto lasted = recovery_of(c.done, c.record);
  return lasted ? std::optional(std::int64_t{lasted->count()}) : std::nullopt;
}

// --- benches --------------------------------------------------------------------------------------------------------

/// Outcomes and causes of many cycles; those that did not pass, the first of them whole.
struct DoneBatch {
  std::map<std::string, std::int64_t> outcomes, causes;
  std::vector<DoneCycle> kept;
  std::int64_t first = 0, cycles = 0;
};

class OpenBench {
 public:
  explicit OpenBench(const HeldBenchOptions& options)
      : held_(options), scope_(std::make_shared<const Scope>(held_.scope())) {}

  DoneCycle run(const py::tuple& said) {
    std::vector<Case> cases = cases_of(py::list(py::make_tuple(said)));
    if (cases.size() != 1) {
      value_of(said).refuse("one case for run; this one is swept, " + std::to_string(cases.size()) +
                            " cases, which is for run_many");
    }
    std::optional<DoneCycle> out;
    held(std::move(cases), {1, 0}, [&](CycleRecord record, const Case& done) {
      out.emplace(DoneCycle{std::move(record), done, scope_});
    });
    return std::move(*out);
  }

  DoneBatch run_many(const py::list& said, std::optional<std::int64_t> wanted, int threads) {
    std::vector<Case> cases = cases_of(said);
    if (cases.empty()) throw ConfigError("expected at least one case");
    const std::int64_t cycles = wanted.value_or(static_cast<std::int64_t>(cases.size()));
    if (cycles < 1 || cycles > 1'000'000'000) throw ConfigError("cycles: expected a whole number from 1 to 1000000000");
    if (threads < 1 || threads > 256) throw ConfigError("threads: expected a whole number from 1 to 256");
    DoneBatch out;
    held(std::move(cases), {cycles, threads}, [&](CycleRecord record, const Case& done) {
      if (out.cycles++ == 0) out.first = record.cycle;
      ++out.outcomes[std::string(to_string(record.verdict->outcome))];
      ++out.causes[record.verdict->diagnosis.cause];
      if (record.verdict->outcome != Outcome::pass && out.kept.size() < most_kept)
        out.kept.push_back({std::move(record), done, scope_});
    });
    return out;
  }

  std::shared_ptr<Columns> by_hand(const py::tuple& said) {
    const Value what = value_of(said);
    std::vector<Event> seen;
    within([&](const Stop& stop) { seen = held_.by_hand(what, stop); });
    return std::make_shared<Columns>(columns_of(seen));
  }

  std::optional<DoneCycle> end_by_hand() {
    std::optional<CycleRecord> record;
    within([&](const Stop& stop) { record = held_.end_by_hand(stop); });
    if (!record) return std::nullopt;
    return DoneCycle{std::move(*record), case_by_hand(), scope_};
  }

  /// Refuses what the bench cannot do, moving nothing.
  std::size_t check(const py::list& said) const {
    const std::vector<Case> cases = cases_of(said);
    for (const Case& c : cases) check_feasible(c, held_.file());
    return cases.size();
  }

  std::string close() {
    if (busy_) throw ConfigError("this bench is running a case in another thread: let that end first");
    return held_.close();
  }
  const HeldBench& bench() const { return held_; }
  const std::string& folder() const { return folder_; }
  const std::string& run_id() const { return run_id_; }

 private:
  void held(std::vector<Case> cases, const HeldBench::Amount& amount, const HeldBench::TakeCycle& take) {
    within([&](const Stop& stop) { held_.run(std::move(cases), amount, stop, take); });
  }

  /// While the interpreter is the others'.
  void within(const std::function<void(const Stop&)>& work) {
    if (busy_) throw ConfigError("this bench is running a case in another thread: open a bench for each thread");
    struct Busy {
      OpenBench& bench;
      ~Busy() {
        bench.busy_ = false;
        bench.folder_ = bench.held_.folder();
        bench.run_id_ = bench.held_.run_id();
      }
    } busy{*this};
    busy_ = true;
    const Running now;
    Interrupt interrupt;
    try {
      const py::gil_scoped_release others;
      work(std::ref(interrupt));
    } catch (const Aborted&) {
      interrupt.raise();
      end_thread();
    }
    interrupt.raise();
  }

  HeldBench held_;
  std::shared_ptr<const Scope> scope_;
  // read and written by whoever holds the interpreter
  bool busy_ = false;
  std::string folder_, run_id_;
};

// --- traces ---------------------------------------------------------------------------------------------------------

class OpenTrace {
 public:
  explicit OpenTrace(const std::string& path)
      : reader_(path), scope_(std::make_shared<const Scope>(reader_.run().scope)) {}

  std::optional<DoneCycle> cycle(std::int64_t number) const {
    auto record = reader_.cycle(number);
    if (!record) return std::nullopt;
    Case done = reader_.case_named(record->case_name);
    if (!record->verdict) {
      record->verdict.emplace();
      record->verdict->why = "the cycle was cut short and has no verdict";
    }
    return DoneCycle{std::move(*record), std::move(done), scope_};
  }
  const TraceReader& reader() const { return reader_; }

 private:
  TraceReader reader_;
  std::shared_ptr<const Scope> scope_;
};

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled half of swiperig; see _core.pyi.";
  py::register_exception<ConfigError>(m, "Refused", PyExc_ValueError);
  py::register_exception<TraceError>(m, "TraceError");
  static py::exception<EquipmentError> rig_fault(m, "RigFault");
  py::register_exception_translator([](std::exception_ptr thrown) {
    // devices said some of it
    const auto for_eyes = [](const std::exception& e) { rig_fault(visible(scrub(e.what())).c_str()); };
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const EquipmentError& e) {
      for_eyes(e);
    } catch (const LinkError& e) {
      for_eyes(e);
    }
  });

  m.def("words", &words);
  m.def("duration_ns", [](const py::tuple& said, std::int64_t most_s) {
    return std::int64_t{value_of(said).duration(Duration(0), std::chrono::seconds(most_s)).count()};
  });
  m.def("count", [](const py::list& said) { return cases_of(said).size(); });
  m.def("sentence", &sentence_of);
  m.def("end_runs", [] {
    ends_python = PyThread_get_thread_ident();
    ending = true;
    const py::gil_scoped_release others;
    for (int n = running; n != 0; n = running) running.wait(n);
  });
  m.def("before_fork", [] {
    const py::gil_scoped_release others;  // those inside may ask for it
    close_fork_gate();
  });
  m.def("after_fork_in_parent", &open_fork_gate);
  m.def("after_fork_in_child", [] {
    running = 0;
    open_fork_gate();
  });

  py::class_<Column>(m, "Column", py::buffer_protocol()).def_buffer([](const Column& c) {
    const auto bytes = static_cast<py::ssize_t>(c.bytes);
    return py::buffer_info(const_cast<void*>(c.begin), bytes, c.format, 1, {static_cast<py::ssize_t>(c.count)}, {bytes},
                           true);
  });
  py::class_<Columns, std::shared_ptr<Columns>>(m, "Columns")
      .def("__len__", &Columns::size)
      .def("row", &event_row)
      .def("columns", [](const std::shared_ptr<Columns>& all) { return columns_dict(all); });

  py::class_<DoneCycle>(m, "Cycle")
      .def_property_readonly("number", [](const DoneCycle& c) { return c.record.cycle; })
      .def_property_readonly("case_name", [](const DoneCycle& c) { return c.record.case_name; })
      .def_property_readonly("case_json", [](const DoneCycle& c) { return to_json(c.done); })
      .def_property_readonly("verdict_json", [](const DoneCycle& c) { return to_json(c.verdict()); })
      .def_property_readonly("outcome", [](const DoneCycle& c) { return std::string(to_string(c.verdict().outcome)); })
      .def_property_readonly("why", [](const DoneCycle& c) { return c.verdict().why; })
      .def_property_readonly("cause", [](const DoneCycle& c) { return c.verdict().diagnosis.cause; })
      .def_property_readonly("cause_why", [](const DoneCycle& c) { return c.verdict().diagnosis.why; })
      .def_property_readonly("candidates", [](const DoneCycle& c) { return c.verdict().diagnosis.candidates; })
      .def_property_readonly("evidence", [](const DoneCycle& c) { return c.verdict().diagnosis.evidence; })
      .def_property_readonly("findings", &findings_of)
      .def_property_readonly("in_doubt_ns",
                             [](const DoneCycle& c) { return std::int64_t{c.verdict().in_doubt.count()}; })
      .def_property_readonly("begun_ns", [](const DoneCycle& c) { return c.record.begun.time_since_epoch().count(); })
      .def_property_readonly("ended_ns", [](const DoneCycle& c) { return c.record.ended.time_since_epoch().count(); })
      .def_property_readonly("head", [](const DoneCycle& c) { return hex(c.record.head); })
      .def("money", &money_tuple)
      .def("recovery_ns", &recovery_ns)
      .def("events", [](const DoneCycle& c) { return std::make_shared<Columns>(columns_of(c.record.events)); })
      .def("explain", [](const DoneCycle& c) { return explain(c.done, *c.scope, c.record); })
      .def("failure",
           [](const DoneCycle& c, const std::string& more) { return failure_text(c.done, *c.scope, c.record, more); });

  py::class_<DoneBatch>(m, "Batch")
      .def_readonly("outcomes", &DoneBatch::outcomes)
      .def_readonly("causes", &DoneBatch::causes)
      .def_readonly("first", &DoneBatch::first)
      .def_readonly("cycles", &DoneBatch::cycles)
      .def_property_readonly("kept", [](const DoneBatch& b) { return py::cast(b.kept); });

  py::class_<OpenBench>(m, "Bench")
      .def(py::init([](std::string path, std::string terminal, std::string host, std::string out, std::string name,
                       std::string defect, std::uint64_t seed) {
             return std::make_unique<OpenBench>(HeldBenchOptions{std::move(path), std::move(terminal), std::move(host),
                                                                 std::move(out), std::move(name), std::move(defect),
                                                                 seed});
           }),
           py::kw_only(), py::arg("path"), py::arg("terminal"), py::arg("host"), py::arg("out"), py::arg("name"),
           py::arg("defect"), py::arg("seed"))
      .def("run", &OpenBench::run)
      .def("run_many", &OpenBench::run_many)
      .def("by_hand", &OpenBench::by_hand)
      .def("end_by_hand", &OpenBench::end_by_hand)
      .def("check", &OpenBench::check)
      .def("close", &OpenBench::close)
      .def_property_readonly("name", [](const OpenBench& b) { return b.bench().file().name; })
      .def_property_readonly("seed", [](const OpenBench& b) { return b.bench().seed(); })
      .def_property_readonly("folder", &OpenBench::folder)
      .def_property_readonly("run_id", &OpenBench::run_id)
      .def_property_readonly("has", [](const OpenBench& b) { return abilities_of(b.bench().file()); });

  py::class_<OpenTrace>(m, "Trace")
      .def(py::init<const std::string&>())
      .def("cycle", &OpenTrace::cycle)
      .def("cycles", [](const OpenTrace& t) { return t.reader().cycles(); })
      .def("events", [](const OpenTrace& t) { return std::make_shared<Columns>(columns_of(t.reader())); })
      .def_property_readonly("id", [](const OpenTrace& t) { return t.reader().run().id; })
      .def_property_readonly("campaign", [](const OpenTrace& t) { return t.reader().run().campaign; })
      .def_property_readonly("bench", [](const OpenTrace& t) { return t.reader().run().bench; })
      .def_property_readonly("seed", [](const OpenTrace& t) { return t.reader().run().seed; })
      .def_property_readonly("head", [](const OpenTrace& t) { return t.reader().head(); })
      .def_property_readonly("event_count", [](const OpenTrace& t) { return t.reader().events(); });
}
