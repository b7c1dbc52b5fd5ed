#include "bindings/python/words.hpp"

#include <pybind11/stl.h>

#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "bindings/campaign_file.hpp"
#include "bindings/python/columns.hpp"
#include "rig/alter.hpp"
#include "rig/host_behaviour.hpp"

namespace swiperig {

pybind11::dict words() {
  const std::vector<std::string> network = {
#define NETWORK_FAULT(name, upon, text) #name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  };
  const std::vector<std::string> causes = {
#define CAUSE(name, section, parent, english, chinese) #name,
#include "rig/causes.def"
#undef CAUSE
  };
  std::vector<std::string> behaviours;
  for (const HostBehaviourRow& row : host_behaviour_rows) behaviours.emplace_back(row.name);
  std::map<std::string, std::vector<std::string>> parts;
#define PART(part, state, section, text) parts[#part].emplace_back(#state);
#include "rig/parts.def"
#undef PART
  pybind11::dict out;
  out["milestones"] = milestone_names();
  out["network"] = network;
  out["behaviours"] = behaviours;
  out["parts"] = parts;
  out["causes"] = causes;
  out["kinds"] = kind_names();
  out["alterations"] = std::vector<std::string>(std::begin(alterations), std::end(alterations));
  out["sources"] = source_names();
  out["bodies"] = body_kinds();
  return out;
}

}  // namespace swiperig
