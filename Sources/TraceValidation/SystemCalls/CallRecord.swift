/// A line of the JSON-lines format that recorders write (docs/traces.md).
enum CallRecord {
  /// - Throws: a message when the value is no record of a call.
  static func read(_ value: TraceValue, line: Int) throws(ModuleCallError) -> SystemCall {
    guard case .members = value else { throw ModuleCallError("a record is an object") }
    guard let ret = value["ret"]?.number, let descriptor = value["fd"]?.number else {
      throw ModuleCallError("a record has numbers fd and ret")
    }
    var call = SystemCall(line: line, pid: value["pid"]?.number ?? 0, name: try name(value))
    call.time = value["t"]?.number.map { Double($0) / 1e9 }
    call.on = descriptor
    if let what = value["obj"]?.text { call.kind = DescriptorKind(what) }
    call.ret = ret
    if ret == -1 {
      guard let errno = value["errno"]?.number else {
        throw ModuleCallError("a call that failed has a number errno")
      }
      call.errno = KVMNumbers.errno(errno)
    }
    readArguments(value, &call)
    return call
  }

  private static func name(_ value: TraceValue) throws(ModuleCallError) -> String {
    if let name = value["call"]?.text { return name }
    guard let name = value["ioctl"]?.text else {
      throw ModuleCallError("a record has a text ioctl or call")
    }
    if name == "KVM_MEMORY_ENCRYPT_OP", let command = value["tdx"]?.text {
      return "KVM_TDX_" + command
    }
    guard name == "?" else { return name }
    let number = value["nr"]?.bits
    return number.flatMap { KVMNumbers.ioctls[$0] } ?? "ioctl 0x" + String(number ?? 0, radix: 16)
  }

  private static func readArguments(_ value: TraceValue, _ call: inout SystemCall) {
    for (own, name) in names {
      if let number = value[name]?.bits { call.arguments[own] = .hex(number) }
    }
    if let gmem = value["gmem_fd"]?.number {
      call.arguments["gmem_fd"] = .hex(UInt64(truncatingIfNeeded: gmem))
    }
    if call.name.hasPrefix("KVM_TDX_"), value["data"]?.bits == 0 {
      call.arguments["data"] = .text("NULL")
    }
    switch call.name {
    case "KVM_CREATE_VM": call.arguments["type"] = value["arg"]?.bits.map { .hex($0) }
    case "KVM_CREATE_VCPU": call.arguments["id"] = value["arg"]?.bits.map { .hex($0) }
    case "KVM_CHECK_EXTENSION":
      call.arguments["cap"] = value["arg"]?.bits.map { .text(KVMNumbers.cap($0)) }
    case "KVM_ENABLE_CAP":
      call.arguments["cap"] = value["cap"]?.bits.map { .text(KVMNumbers.cap($0)) }
      if case .list(let list)? = value["args"] {
        call.arguments["args"] = .list(list.map { $0.bits.map { .hex($0) } ?? .null })
      }
    case "KVM_TDX_INIT_VM": call.arguments["gpaw"] = width(value["cpuid"])
    default: break
    }
    for (own, name) in [("gpa", "gpa_out"), ("nr_pages", "nr_pages_out"), ("size", "size_out")] {
      if let number = value[name]?.bits { call.out[own] = .hex(number) }
    }
  }

  private static let names = [
    ("slot", "slot"), ("flags", "flags"), ("gpa", "gpa"), ("size", "size"), ("hva", "hva"),
    ("gmem_offset", "gmem_off"), ("attributes", "attributes"), ("xfam", "xfam"),
    ("nr_pages", "nr_pages"), ("source", "source_addr"), ("hw_error", "hw_error"),
    ("nent", "nent"), ("id", "id"), ("mode", "mode"), ("offset", "off"), ("len", "len"),
    ("prot", "prot"), ("address", "addr"), ("to", "to"), ("mp_state", "mp_state"),
  ]

  /// The width of guest addresses that INIT_VM asks for: CPUID leaf 0x80000008, EAX[23:16].
  private static func width(_ cpuid: TraceValue?) -> TraceValue? {
    guard case .list(let leaves)? = cpuid else { return nil }
    for case .list(let entry) in leaves where entry.count > 3 && entry[0].bits == 0x8000_0008 {
      return entry[3].bits.map { .number(Int($0 >> 16 & 0xff)) }
    }
    return .null
  }
}

extension TraceValue {
  /// A number, or a text in hexadecimal with or without `0x`; what is negative in two's complement.
  fileprivate var bits: UInt64? {
    if let number { return UInt64(truncatingIfNeeded: number) }
    guard let text else { return nil }
    return UInt64(text.hasPrefix("0x") ? String(text.dropFirst(2)) : text, radix: 16)
  }
}
