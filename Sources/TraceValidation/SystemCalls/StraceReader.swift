/// Reads strace line by line and puts calls that were interrupted together again.
struct StraceReader {
  /// What each process's call has said so far.
  private var unfinished: [Int: [UInt8]] = [:]

  /// - Returns: nil for a line that tells of no call that ended.
  /// - Throws: when the line is none of strace's.
  mutating func read(
    _ text: ArraySlice<UInt8>, line: Int
  ) throws(LineError) -> SystemCall? {
    var scanner = StraceScanner(text)
    let said = try scanner.line()
    let (pid, time) = (scanner.pid, scanner.time)
    switch said {
    case .remark: return nil
    case .exited:
      unfinished[pid] = nil
      return SystemCall(line: line, pid: pid, time: time, name: "exit")
    case .signal(let name, let fields):
      return Self.signal(SystemCall(line: line, pid: pid, time: time, name: "signal"), name, fields)
    case .unfinished(let text):
      unfinished[pid] = Array(text)
      return nil
    case .resumed(let rest):
      // The beginning was before the trace.
      guard let begun = unfinished.removeValue(forKey: pid) else { return nil }
      var whole = StraceScanner((begun + rest)[...])
      let call = try whole.call()
      return Self.system(SystemCall(line: line, pid: pid, time: time, name: call.name), call)
    case .call(let call):
      return Self.system(SystemCall(line: line, pid: pid, time: time, name: call.name), call)
    }
  }

  private static func signal(
    _ plain: SystemCall, _ name: String, _ fields: ArraySlice<UInt8>
  ) -> SystemCall {
    var call = plain
    call.arguments["signal"] = .text(name)
    if let address = StraceValue(text: fields).fields()["si_addr"]?.number {
      call.arguments["address"] = .hex(address)
    }
    return call
  }

  private static func system(_ plain: SystemCall, _ said: StraceCall) -> SystemCall {
    var call = plain
    call.ret = said.ret
    call.errno = said.errno
    let arguments = said.arguments.map { StraceValue(text: $0) }
    if said.name == "ioctl" {
      ioctl(&call, arguments)
    } else {
      StraceArguments.read(said.name, arguments, &call)
    }
    if let kind = StraceValue.kind(said.result) { call.out["kind"] = .text("\(kind)") }
    return call
  }

  private static func ioctl(_ call: inout SystemCall, _ arguments: [StraceValue]) {
    guard arguments.count >= 2 else {
      call.name = "ioctl"
      return
    }
    call.on = arguments[0].descriptor
    call.kind = arguments[0].kind
    let number = arguments[1].request
    let told = arguments[1].name?.split(separator: " ").map(String.init) ?? []
    call.name =
      number.flatMap { KVMNumbers.ioctls[$0] }
      // One number has several names.
      ?? told.first { $0.hasPrefix("KVM_") } ?? told.first
      ?? "ioctl 0x" + String(number ?? 0, radix: 16)
    guard call.name.hasPrefix("KVM_"), arguments.count >= 3 else { return }
    StraceArguments.readKVM(arguments[2], &call)
  }
}
