/// Reads what `trace-cmd report` prints of system calls: events `sys_enter_X` and `sys_exit_X`, or
/// `sys_enter` and `sys_exit` with numbers of x86-64.
///
/// What stands behind an address is never there. Events of KVM itself are counted and not read.
struct TraceCmdReader {
  /// The call that each thread is in.
  private var entered: [Int: SystemCall] = [:]

  /// - Returns: nil for a line that tells of no call that ended.
  /// - Throws: when the line is none of trace-cmd's.
  mutating func read(
    _ text: ArraySlice<UInt8>, line: Int
  ) throws(LineError) -> SystemCall? {
    let string = String(decoding: text, as: UTF8.self)
    if string.hasPrefix("cpus=") || string.hasPrefix("CPU ") || string.hasPrefix("version = ") {
      return nil
    }
    let event = try TraceCmdEvent(string)
    if event.name.hasPrefix("sys_enter") {
      guard let name = event.systemCall else { return nil }
      var call = SystemCall(line: line, pid: event.pid, time: event.time, name: name)
      Self.readArguments(name, event, &call)
      entered[event.pid] = call
      return nil
    }
    guard event.name.hasPrefix("sys_exit") else {
      return SystemCall(line: line, pid: event.pid, time: event.time, name: event.name)
    }
    guard let begun = entered.removeValue(forKey: event.pid), let value = event.result else {
      return nil
    }
    var call = SystemCall(line: line, pid: event.pid, time: begun.time, name: begun.name)
    (call.on, call.arguments) = (begun.on, begun.arguments)
    let isError = value < 0 && value > -4096
    call.ret = isError ? -1 : value
    call.errno = isError ? KVMNumbers.errno(-value) : nil
    return call
  }

  private static func readArguments(
    _ name: String, _ event: TraceCmdEvent, _ call: inout SystemCall
  ) {
    let values = event.arguments
    func take(_ name: String, _ place: Int) {
      if values.indices.contains(place) { call.arguments[name] = .hex(values[place]) }
    }
    let first = values.first.map { Int(truncatingIfNeeded: $0) }
    switch name {
    case "ioctl":
      call.on = first
      guard values.count > 1 else { return }
      call.name =
        KVMNumbers.ioctls[values[1] & 0xffff_ffff]
        ?? "ioctl 0x" + String(values[1] & 0xffff_ffff, radix: 16)
      switch call.name {
      case "KVM_CREATE_VM": take("type", 2)
      case "KVM_CREATE_VCPU": take("id", 2)
      case "KVM_CHECK_EXTENSION" where values.count > 2:
        call.arguments["cap"] = .text(KVMNumbers.cap(values[2]))
      default: break
      }
    case "close", "dup", "fstat", "ftruncate", "pread64", "pwrite64": call.on = first
    case "dup2", "dup3":
      call.on = first
      take("to", 1)
    case "fcntl":
      call.on = first
      take("command", 1)
    case "fallocate":
      call.on = first
      for (place, name) in ["mode", "offset", "len"].enumerated() { take(name, place + 1) }
    case "mmap":
      call.on = values.count > 4 ? Int(Int32(truncatingIfNeeded: values[4])) : nil
      for (name, place) in [("len", 1), ("prot", 2), ("flags", 3), ("offset", 5)] {
        take(name, place)
      }
    case "munmap":
      take("address", 0)
      take("len", 1)
    case "clone": take("flags", 0)
    case "exit_group": call.name = "exit"
    default: return
    }
  }
}

/// One line: `task-pid [cpu] time: event: fields`.
struct TraceCmdEvent {
  let pid: Int
  let time: Double
  let name: String
  private let fields: Substring

  init(_ line: String) throws(LineError) {
    func error(_ message: String, _ rest: Substring) -> LineError {
      LineError(
        column: line.utf8.count - rest.utf8.count + 1, message: message, isTorn: rest.isEmpty)
    }
    guard let bracket = line.firstIndex(of: "["), let end = line[bracket...].firstIndex(of: "]")
    else { throw error("'task-pid [cpu]' expected", "") }
    let task = line[..<bracket].split(separator: " ").last ?? ""
    guard let dash = task.lastIndex(of: "-"), let pid = Int(task[task.index(after: dash)...]) else {
      throw error("a task and its number expected", line[bracket...])
    }
    let rest = line[line.index(after: end)...]
    let parts = rest.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let stamp = parts[0].split(separator: " ").last,
      let time = Double(stamp)
    else { throw error("a time and an event expected", parts.count < 3 ? "" : rest) }
    self.pid = pid
    self.time = time
    name = parts[1].filter { $0 != " " }
    fields = parts[2]
  }

  /// The call's name: of the event, or of its number.
  var systemCall: String? {
    if name.hasPrefix("sys_enter_") { return String(name.dropFirst("sys_enter_".count)) }
    let words = fields.split(separator: " ")
    guard let place = words.firstIndex(of: "NR"), place + 1 < words.count,
      let number = Int(words[place + 1])
    else { return nil }
    return KVMNumbers.systemCalls[number] ?? "system call \(number)"
  }

  /// `fd: 0x0000000b, cmd: 0x0000ae01`, or `NR 16 (b, ae01, 0)` in hexadecimal.
  var arguments: [UInt64] {
    if let open = fields.firstIndex(of: "("), let close = fields.lastIndex(of: ")"), open < close {
      return fields[fields.index(after: open)..<close].split(separator: ",").map {
        UInt64($0.filter { $0 != " " }, radix: 16) ?? 0
      }
    }
    return fields.split(separator: ",").map { field in
      let text = (field.split(separator: ":").last ?? "").filter { $0 != " " }
      return UInt64(text.hasPrefix("0x") ? String(text.dropFirst(2)) : text, radix: 16) ?? 0
    }
  }

  /// `0xc`, or `NR 16 = 12`.
  var result: Int? {
    let text = (fields.split(separator: "=").last ?? "").filter { $0 != " " }
    guard text.hasPrefix("0x") else { return Int(text) }
    return UInt64(text.dropFirst(2), radix: 16).map { Int(truncatingIfNeeded: $0) }
  }
}
