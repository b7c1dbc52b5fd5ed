#include "reports/export.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "reports/explain.hpp"
#include "reports/pcapng.hpp"
#include "reports/visible.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kUsb = 0, kFirstOfTrace = 2;
constexpr std::uint32_t kVerdicts = kFirstOfTrace + 6;

/// The wires' packets in the order of their time, without their bytes: a transfer may be held back before it is kept.
class Wires {
 public:
  Wires(const std::string& path, Exported& told) {
    if (!fs::exists(path)) return;
    reader_.emplace(path);
    PcapPacket packet;
    std::uint64_t offset = 0;
    while (reader_->next(packet, offset)) {
      places_.emplace_back(packet.ns, offset);
      ++(packet.source == kUsb ? told.usb : told.network);
    }
    told.cut = reader_->cut();
    std::stable_sort(places_.begin(), places_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  std::vector<PcapSource> sources() const {
    if (reader_) return reader_->sources();
    return {{"terminal usb", LinkType::usb_linux_mmapped}, {"terminal network", LinkType::ethernet}};
  }
  bool before(std::int64_t ns) const { return next_ < places_.size() && places_[next_].first <= ns; }
  PcapPacket take() { return reader_->at(places_[next_++].second); }

 private:
  std::optional<PcapngReader> reader_;
  std::vector<std::pair<std::int64_t, std::uint64_t>> places_;
  std::size_t next_ = 0;
};

Bytes bytes_from(const std::string& text) { return {text.begin(), text.end()}; }

class Export {
 public:
  Export(const std::string& directory, const std::string& out)
      : trace_(directory + "/run.trace"), wires_(directory + "/wires.pcapng", told_), path_(out) {
    anchor_ns_ = trace_.begun_wall_s() * 1'000'000'000;
  }

  Exported run() {
    const std::string fresh = path_ + ".new";
    file_.open(fresh, std::ios::binary | std::ios::trunc);
    std::vector<PcapSource> sources = wires_.sources();
    if (sources.size() != kFirstOfTrace) throw CaptureError("wires.pcapng: expected two sources");
    for (const Source s :
         {Source::rig, Source::actuator, Source::power, Source::network, Source::host, Source::terminal}) {
      sources.push_back({std::string(to_string(s)), LinkType::user0});
    }
    sources.push_back({"verdicts", LinkType::user0});
    append_section(sources, block_);
    trace_.for_each([&](const CycleRecord& cycle) { add(cycle); });
    while (wires_.before(INT64_MAX)) put_wire();
    file_ << block_;
    file_.close();
    std::error_code error;
    if (file_) fs::rename(fresh, path_, error);
    if (file_ && !error) return told_;
    fs::remove(fresh, error);
    throw CaptureError(path_ + ": cannot be written");
  }

 private:
  void add(const CycleRecord& cycle) {
    // the bench time of every epoch begins at zero
    if (cycle.begun < begun_) epoch_ns_ += std::exchange(last_, Time{}).time_since_epoch().count();
    begun_ = cycle.begun;
    std::vector<const Event*> events;
    for (const Event& e : cycle.events) events.push_back(&e);
    std::stable_sort(events.begin(), events.end(), [](const Event* a, const Event* b) { return a->at < b->at; });
    for (const Event* e : events) {
      std::string line;
      append_canonical(*e, line);
      put(kFirstOfTrace + static_cast<std::uint32_t>(e->source), e->at, line, sentence(*e));
      ++told_.events;
    }
    if (!cycle.verdict) return;
    const Verdict& v = *cycle.verdict;
    put(kVerdicts, cycle.ended, to_json(v),
        "cycle " + std::to_string(cycle.cycle) + ": " + std::string(to_string(v.outcome)) + ", because " +
            visible(v.why) + "; diagnosis: " + visible(v.diagnosis.cause));
    ++told_.verdicts;
  }

  void put(std::uint32_t source, Time at, const std::string& body, std::string comment) {
    last_ = std::max(last_, at);
    const std::int64_t ns = epoch_ns_ + at.time_since_epoch().count();
    while (wires_.before(ns)) put_wire();
    put({source, anchor_ns_ + ns, bytes_from(body), std::move(comment)});
  }

  void put_wire() {
    PcapPacket packet = wires_.take();
    packet.ns += anchor_ns_;
    if (packet.source == kUsb) stamp_usb_packet(packet.bytes, packet.ns);
    put(std::move(packet));
  }

  void put(PcapPacket packet) {
    append_packet(packet, block_);
    if (block_.size() < 1 << 20) return;
    file_ << block_;
    block_.clear();
  }

  Exported told_;
  TraceReader trace_;
  Wires wires_;
  std::string path_;
  std::ofstream file_;
  std::string block_;
  std::int64_t anchor_ns_ = 0, epoch_ns_ = 0;
  Time begun_{}, last_{};
};

}  // namespace

Exported export_pcapng(const std::string& directory, const std::string& out) { return Export(directory, out).run(); }

}  // namespace swiperig
