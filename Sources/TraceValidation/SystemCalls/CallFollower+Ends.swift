/// Copies and ends of descriptors and mappings.
extension CallFollower {
  mutating func duplicate(_ call: SystemCall, _ process: Int, _ report: (Report) -> Void) {
    let isCopy =
      call.name != "fcntl"
      || [KVMNumbers.constants["F_DUPFD"], KVMNumbers.constants["F_DUPFD_CLOEXEC"]]
        .contains(call.number("command"))
    guard isCopy, let new = call.ret, new >= 0, new != call.on else { return report(.other) }
    let object = tables.object(call.on, in: process)
    // What was open under the number is closed.
    if let end = end(of: new, call, process) { report(end) }
    guard let object else { return report(.other) }
    tables.open(new, object, in: process)
    report(.ignored)
  }

  mutating func close(_ call: SystemCall, _ process: Int, _ report: (Report) -> Void) {
    guard let descriptor = call.on else { return report(.other) }
    if !call.succeeded, call.ret != nil { return report(.other) }
    report(end(of: descriptor, call, process) ?? .other)
  }

  mutating func closeRange(_ call: SystemCall, _ process: Int, _ report: (Report) -> Void) {
    report(.other)
    // With CLOSE_RANGE_CLOEXEC (4) they stay open.
    guard call.succeeded, let first = call.number("first"), let last = call.number("last"),
      (call.number("flags") ?? 0) & 4 == 0, first <= last
    else { return }
    let end = Int(min(last, UInt64(Int32.max)))
    for descriptor in tables.descriptors(in: process, Int(min(first, UInt64(end)))...end) {
      if let end = self.end(of: descriptor, call, process) { report(end) }
    }
  }

  /// Only the process's last descriptor of an object is a call of a spec.
  private mutating func end(
    of descriptor: Int, _ call: SystemCall, _ process: Int
  ) -> Report? {
    guard let (number, isLast) = tables.close(descriptor, in: process) else { return nil }
    let object = tables.objects[number]
    guard isLast, object.vm >= 0 else { return .ignored }
    var made = call
    made.name = "close"
    made.ret = 0
    let reader = reader(made, object, process)
    switch object.kind {
    case .vm: return .reading(object.vm, reader.onVM())
    case .vcpu: return .reading(object.vm, reader.onVCPU())
    default: return .reading(object.vm, reader.onMemory())
    }
  }

  mutating func ended(_ call: SystemCall, _ report: (Report) -> Void) {
    report(.ignored)
    if let process = tables.exit(call.pid) { tables.clear(process) }
  }

  // MARK: Mappings

  mutating func map(
    _ call: SystemCall, _ number: Int, _ process: Int, _ report: (Report) -> Void
  ) {
    let object = tables.objects[number]
    maps += 1
    let handle = "map\(maps)"
    report(.reading(object.vm, reader(call, object, process, new: handle).onMemory()))
    guard let start = call.ret, start != -1 else { return }
    tables.map(
      DescriptorTables.Mapping(
        process: process, start: UInt64(bitPattern: Int64(start)),
        length: ((call.number("len") ?? 0) &+ 4095) & ~4095, handle: handle, object: number))
  }

  mutating func unmap(_ call: SystemCall, _ process: Int, _ report: (Report) -> Void) {
    guard call.succeeded, let start = call.number("address"), let length = call.number("len") else {
      return report(.other)
    }
    let end = start &+ ((length &+ 4095) & ~4095)
    var isKnown = false
    while let number = tables.mappings.firstIndex(where: {
      $0.process == process && $0.start >= start && $0.start &+ $0.length <= end
    }) {
      let mapping = tables.mappings[number]
      tables.unmap(number)
      isKnown = true
      report(onMapping(call, mapping, "munmap", [:], nil, process))
    }
    // A part of a mapping is gone: specs have only whole ones.
    let isPart = tables.mappings.contains {
      $0.process == process && $0.start < end && start < $0.start &+ $0.length
    }
    if isPart { return report(.reading(-1, .unspoken)) }
    if !isKnown { report(.other) }
  }

  private func onMapping(
    _ call: SystemCall, _ mapping: DescriptorTables.Mapping, _ op: String,
    _ more: [String: TraceValue], _ out: [String: TraceValue]?, _ process: Int
  ) -> Report {
    let object = tables.objects[mapping.object]
    var made = call
    made.ret = 0
    let reader = CallReader(
      call: made, on: mapping.handle, new: "", byChild: object.process != process, isTD: false)
    return .reading(object.vm, .steps([reader.step(op, more, out)], missing: []))
  }

  /// A signal at an address of a mapping: the process touched a page that it may not have.
  mutating func touch(_ call: SystemCall, _ process: Int, _ report: (Report) -> Void) {
    guard let name = call.arguments["signal"]?.text, name == "SIGBUS" || name == "SIGSEGV",
      let address = call.number("address"),
      let number = tables.mapping(at: address, in: process)
    else { return report(.ignored) }
    let mapping = tables.mappings[number]
    report(
      onMapping(
        call, mapping, "touch",
        ["offset": .hex(address - mapping.start), "write": .bool(name == "SIGSEGV")],
        ["signal": .text(String(name.dropFirst(3)))], process))
  }
}
