/// The arguments of the system calls that matter, in the names of recordings.
enum StraceArguments {
  /// - Parameter arguments: as strace prints them.
  static func read(_ name: String, _ arguments: [StraceValue], _ call: inout SystemCall) {
    func take(_ name: String, _ place: Int) {
      guard arguments.indices.contains(place), let number = arguments[place].number else { return }
      call.arguments[name] = .hex(number)
    }
    func takeDescriptor(_ place: Int) {
      guard arguments.indices.contains(place) else { return }
      call.on = arguments[place].descriptor
      call.kind = arguments[place].kind
    }
    switch name {
    case "close", "dup", "pread64", "pwrite64", "preadv", "pwritev": takeDescriptor(0)
    case "dup2", "dup3":
      takeDescriptor(0)
      take("to", 1)
    case "fcntl":
      takeDescriptor(0)
      take("command", 1)
    case "close_range":
      take("first", 0)
      take("last", 1)
      take("flags", 2)
    case "fallocate":
      takeDescriptor(0)
      for (place, name) in ["mode", "offset", "len"].enumerated() { take(name, place + 1) }
    case "ftruncate": takeDescriptor(0)
    case "mmap":
      takeDescriptor(4)
      for (name, place) in [("len", 1), ("prot", 2), ("flags", 3), ("offset", 5)] {
        take(name, place)
      }
    case "munmap":
      take("address", 0)
      take("len", 1)
    case "open", "openat":
      let path = arguments.dropFirst(name == "open" ? 0 : 1).first
      let isDevice = path?.text.elementsEqual("\"/dev/kvm\"".utf8) == true
      call.arguments["device"] = .bool(isDevice)
    case "fstat", "newfstatat": readStatus(arguments, name, &call)
    case "clone", "clone3": readClone(arguments, &call)
    default: return
    }
  }

  private static func readStatus(
    _ arguments: [StraceValue], _ name: String, _ call: inout SystemCall
  ) {
    let place = name == "fstat" ? 1 : 2
    guard arguments.count > place,
      name == "fstat" || arguments[1].text.elementsEqual("\"\"".utf8)
    else { return }
    call.name = "fstat"
    call.on = arguments[0].descriptor
    call.kind = arguments[0].kind
    if let size = arguments[place].fields()["st_size"]?.number { call.out["size"] = .hex(size) }
  }

  /// Whether the child shares memory and descriptors is all that matters.
  private static func readClone(_ arguments: [StraceValue], _ call: inout SystemCall) {
    var flags: UInt64?
    for argument in arguments {
      if argument.text.starts(with: "flags=".utf8) {
        flags = StraceValue(text: argument.text.dropFirst(6)).bits
      }
      if let field = argument.fields()["flags"] { flags = field.bits }
    }
    flags.map { call.arguments["flags"] = .hex($0) }
  }

  // MARK: ioctls of KVM

  /// The third argument of an ioctl: a number, or a structure if strace decodes it.
  static func readKVM(_ value: StraceValue, _ call: inout SystemCall) {
    switch call.name {
    case "KVM_CREATE_VM": call.arguments["type"] = value.number.map { .hex($0) }
    case "KVM_CREATE_VCPU": call.arguments["id"] = value.number.map { .hex($0) }
    case "KVM_CHECK_EXTENSION":
      if let number = value.number {
        call.arguments["cap"] = .text(KVMNumbers.cap(number))
      } else if let name = value.name {
        call.arguments["cap"] = .text(name)
      }
    default:
      let fields = value.fields()
      for (own, names) in fieldNames {
        guard let number = names.lazy.compactMap({ fields[$0]?.number }).first else { continue }
        call.arguments[own] = .hex(number)
      }
      if let cap = fields["cap"] {
        call.arguments["cap"] = .text(cap.number.map(KVMNumbers.cap) ?? cap.name ?? "")
      }
      if value.text.elementsEqual("NULL".utf8) { call.arguments["data"] = .text("NULL") }
    }
  }

  /// The fields of the kernel's structures that recordings have under other names.
  private static let fieldNames: [(String, [String])] = [
    ("slot", ["slot"]), ("flags", ["flags"]), ("gpa", ["guest_phys_addr", "gpa", "address"]),
    ("size", ["memory_size", "size"]), ("hva", ["userspace_addr"]),
    ("gmem_offset", ["guest_memfd_offset"]), ("gmem_fd", ["guest_memfd"]),
    ("attributes", ["attributes"]), ("mp_state", ["mp_state"]),
  ]
}

extension StraceValue {
  /// The flags that are known, of a list that has others too.
  fileprivate var bits: UInt64? {
    if let number { return number }
    return String(decoding: text, as: UTF8.self).split(separator: "|").reduce(0) {
      $0 | (KVMNumbers.constants[String($1)] ?? 0)
    }
  }
}
