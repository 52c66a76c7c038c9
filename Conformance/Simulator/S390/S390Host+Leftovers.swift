extension S390Host {
  /// What is wrong once the process and the VM are gone, in words. What the Ultravisor refused
  /// because a test said so accounts for what it still has (s390-pv SI-29).
  var leftovers: [String] {
    var found = complaints + uv.complaints
    let excused = uv.configurations.filter(\.value.isExcused)
    for handle in uv.configurations.keys.sorted() where excused[handle] == nil {
      found.append("configuration \(handle) is there")
    }
    for (frame, use) in memory.used.sorted(by: { $0.key < $1.key })
    where !isAccounted(frame, excused) {
      found.append("\(use) is not given back")
    }
    if mm.count != excused.count + mm.countForEver {
      found.append("protected_count is \(mm.count)")
    }
    if machine.isGone, machine.notifier != .none { found.append("the notifier is registered") }
    for lock in locks where !lock.isAvailable(.exclusive) { found.append("\(lock.name) is held") }
    return found.sorted()
  }

  private var locks: [KernelLock] {
    [machine.lock, machine.importLock, machine.mmuLock, machine.slotsLock, mm.lock]
      + machine.vcpus.map(\.mutex) + mm.pages.map(\.lock)
  }

  private func isAccounted(
    _ frame: Int, _ excused: [Int: Ultravisor.Configuration]
  ) -> Bool {
    tablesLost.contains(frame)
      || excused.values.contains { found in
        found.base == frame || found.variable == frame || found.table == frame
          || found.cpus.contains { uv.cpus[$0]?.storage == frame }
      }
  }
}
