// Configurations and their CPUs (s390-pv §1.4).
extension Ultravisor {
  /// Create Secure Configuration.
  func createConfig(
    base: Int, variable: Int, table: Int
  ) throws(Failure) -> Int {
    let isDonated = isDonated(base) || isDonated(variable)
    try refuse(.createConfig, "storage", 0x108, if: isDonated)
    try refuse(.createConfig, "table", 0x104, if: isTable(table))
    try refuse(.createConfig, "room", 0x101, if: configurations.count >= Self.room)
    try refuseIfAsked(.createConfig)
    let handle = newHandle()
    effect("configuration", .createConfig) {
      configurations[handle] = Configuration(base: base, variable: variable, table: table)
    }
    return handle
  }

  /// Create Secure CPU.
  func createCPU(_ handle: Int, _ number: Int, storage: Int) throws(Failure) -> Int {
    try refuse(.createCPU, "configuration", 0x20, if: configurations[handle] == nil)
    try refuse(.createCPU, "number", 0x104, if: hasCPU(handle, number))
    try refuse(.createCPU, "storage", 0x105, if: isDonated(storage))
    try refuseIfAsked(.createCPU)
    let cpu = newHandle()
    effect("cpu", .createCPU) {
      cpus[cpu] = CPU(configuration: handle, number: number, storage: storage)
      configurations[handle]?.cpus.insert(cpu)
    }
    return cpu
  }

  /// Destroy Secure CPU.
  func destroyCPU(_ cpu: Int) throws(Failure) {
    try refuse(.destroyCPU, "cpu", 0x21, if: cpus[cpu] == nil)
    guard let found = cpus[cpu] else { return }
    try refuseIfAsked(.destroyCPU, excusing: found.configuration)
    effect("cpu", .destroyCPU) {
      cpus[cpu] = nil
      configurations[found.configuration]?.cpus.remove(cpu)
    }
  }

  /// Destroy Secure Configuration: all its pages are the host's again.
  func destroyConfig(_ handle: Int) throws(Failure) {
    try checkDestroy(.destroyConfig, handle)
    effect("configuration", .destroyConfig) { configurations[handle] = nil }
    effect("pages", .destroyConfig) {
      for (frame, page) in frames where page.owner == handle {
        frames[frame] = nil
        memory.content[frame] = .zero
      }
    }
  }

  /// Destroy Secure Configuration Fast: its secure pages are nobody's.
  func destroyFast(_ handle: Int) throws(Failure) {
    try checkDestroy(.destroyFast, handle)
    effect("configuration", .destroyFast) { configurations[handle] = nil }
    effect("pages", .destroyFast) {
      for (frame, page) in frames where page.owner == handle {
        if page.security == .secure {
          frames[frame]?.security = .orphaned
        } else {
          // What the guest had shared was the host's to see.
          frames[frame] = nil
          memory.content[frame] = .host
        }
      }
    }
  }

  private func checkDestroy(_ call: UltravisorCall, _ handle: Int) throws(Failure) {
    let found = configurations[handle]
    expect(call, handle)
    try refuse(call, "configuration", 0x20, if: found == nil)
    try refuse(call, "cpus", 0x102, if: found?.cpus.isEmpty == false)
    try refuseIfAsked(call, excusing: handle)
  }

  private func hasCPU(_ handle: Int, _ number: Int) -> Bool {
    cpus.values.contains { $0.configuration == handle && $0.number == number }
  }

  /// The frame is memory that the host has given for a configuration or a CPU.
  func isDonated(_ frame: Int) -> Bool {
    configurations.values.contains { $0.base == frame || $0.variable == frame }
      || cpus.values.contains { $0.storage == frame }
  }

  /// A configuration designates the table.
  func isTable(_ frame: Int) -> Bool { configurations.values.contains { $0.table == frame } }

  /// The host cannot use the frame, or must not.
  func isHeld(_ frame: Int) -> Bool {
    let security = frames[frame]?.security
    return security == .secure || security == .orphaned || isDonated(frame) || isTable(frame)
  }
}
