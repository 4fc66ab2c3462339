// Changes applied one by one: all of them for the living file system, some of them for what a power cut leaves.
#include <filesystem>
#include <fstream>

#include "tests/power/strict_disk.h"

namespace wb::test {

using Kind = StrictEvent::Kind;

void StrictTree::apply(const StrictEvent& event) {
  Node& node = nodes_[event.inode];
  switch (event.kind) {
    case Kind::kWrite:
      if (node.data.size() < event.offset + event.data.size()) node.data.resize(event.offset + event.data.size());
      std::copy(event.data.begin(), event.data.end(), node.data.begin() + static_cast<std::ptrdiff_t>(event.offset));
      return;
    case Kind::kTruncate:
      node.data.resize(event.offset);
      return;
    case Kind::kLink:
      node.entries[event.name] = event.target;
      nodes_[event.target].is_directory = event.is_directory;
      return;
    case Kind::kUnlink:
      node.entries.erase(event.name);
      return;
    case Kind::kRename:
      node.entries.erase(event.name);
      node.entries[event.new_name] = event.target;
      return;
    case Kind::kSync:
    case Kind::kFailedSync:
      return;
  }
}

std::uint64_t StrictTree::inode(const std::string& path) {
  std::uint64_t at = kRoot;
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    const auto entry = nodes_[at].entries.find(part);
    if (entry == nodes_[at].entries.end()) return 0;
    at = entry->second;
  }
  return at;
}

StrictTree::Node* StrictTree::find(const std::string& path) {
  const std::uint64_t number = inode(path);
  return number == 0 ? nullptr : &nodes_[number];
}

void StrictTree::write_node(std::uint64_t inode, const std::string& path) const {
  const auto node = nodes_.find(inode);
  if (node == nodes_.end() || !node->second.is_directory) {
    std::ofstream file(path, std::ios::binary);
    if (node == nodes_.end()) return;
    file.write(node->second.data.data(), static_cast<std::streamsize>(node->second.data.size()));
    return;
  }
  std::filesystem::create_directory(path);
  for (const auto& [name, target] : node->second.entries) write_node(target, path + "/" + name);
}

void StrictTree::write_to(const std::string& directory) const {
  write_node(kRoot, directory);
}

namespace {

/// The part of a write that arrived: its beginning, or its end behind a hole of zeros.
StrictEvent torn(StrictEvent event, std::mt19937& random) {
  const auto cut = static_cast<std::ptrdiff_t>(random() % (event.data.size() + 1));
  if (random() % 2 == 0) {
    event.data.erase(event.data.begin() + cut, event.data.end());
  } else {
    event.data.erase(event.data.begin(), event.data.begin() + cut);
    event.offset += static_cast<std::uint64_t>(cut);
  }
  return event;
}

bool is_sync(const StrictEvent& event) {
  return event.kind == Kind::kSync || event.kind == Kind::kFailedSync;
}

}  // namespace

StrictTree cut_power(const std::vector<StrictEvent>& events, std::size_t event_count, std::mt19937& random) {
  // Backwards: what the next sync of the same inode says of a change.
  enum class Fate : std::uint8_t { kDurable, kLost, kOpen };
  std::vector<Fate> fates(event_count, Fate::kOpen);
  std::map<std::uint64_t, Fate> next_sync;
  for (std::size_t i = event_count; i-- > 0;) {
    const StrictEvent& event = events[i];
    if (is_sync(event)) {
      next_sync[event.inode] = event.kind == Kind::kSync ? Fate::kDurable : Fate::kLost;
    } else if (const auto sync = next_sync.find(event.inode); sync != next_sync.end()) {
      fates[i] = sync->second;
    }
  }
  StrictTree tree;
  const auto percent = static_cast<unsigned>(random() % 101);
  const auto any = [&] { return random() % 100 < percent; };
  for (std::size_t i = 0; i < event_count; ++i) {
    if (is_sync(events[i]) || fates[i] == Fate::kLost) continue;
    if (fates[i] == Fate::kDurable || any()) {
      tree.apply(events[i]);
    } else if (events[i].kind == Kind::kWrite && any()) {
      tree.apply(torn(events[i], random));
    }
  }
  return tree;
}

}  // namespace wb::test
