import ConformanceKit

/// Calls that differ from one in an argument: by values at and around every boundary that the
/// kernel's interface has, flags bit by bit, and descriptors of every other kind.
struct CallVariants {
  /// One argument with another value; nil leaves it out.
  struct Change: Hashable {
    let argument: String
    let value: TestValue?

    func applied(to call: Call) -> Call {
      var call = call
      call.arguments[argument] = value
      return call
    }
  }

  /// Descriptors that the calls around it make.
  private let handles: [String]

  init(_ calls: [Call]) {
    handles = calls.compactMap { call in
      guard case .text(let new)? = call.arguments["new"] else { return nil }
      return new
    }
  }

  /// The changes of a call, in a fixed order.
  func changes(of call: Call) -> [Change] {
    var result: [Change] = []
    for argument in call.arguments.keys.sorted() {
      for value in values(argument, call) where value != call.arguments[argument] {
        result.append(Change(argument: argument, value: value))
      }
    }
    if call.name.hasPrefix("KVM_TDX_") || call.name == "KVM_MEMORY_ENCRYPT_OP" {
      result.append(Change(argument: "hw_error", value: "0x1"))
      if ["KVM_TDX_INIT_VM", "KVM_TDX_INIT_MEM_REGION"].contains(call.name) {
        result.append(Change(argument: "data", value: "NULL"))
      }
    }
    if Self.canFork(call) { result.append(Change(argument: "by", value: "child")) }
    return result
  }

  private static func canFork(_ call: Call) -> Bool {
    call.name.hasPrefix("KVM_") && call.name != "KVM_CREATE_VM" && call.arguments["on"] != "dev"
      || ["close", "fallocate", "fstat"].contains(call.name)
  }

  private func values(_ argument: String, _ call: Call) -> [TestValue?] {
    switch argument {
    case "on": otherDescriptors(call)
    case "gmem": [nil] + handles.filter { $0.hasPrefix("gmem") }.map { .text($0) }
    case "gpa", "size", "offset", "len", "gmem_offset", "nr_pages":
      Self.sizes(argument, call)
    case "flags": Self.flags(call)
    case "args": Self.arguments(call)
    default: Self.listed(argument, call)
    }
  }

  /// A vCPU's call on another vCPU, a command of TDs on a descriptor of another kind.
  private func otherDescriptors(_ call: Call) -> [TestValue?] {
    guard case .text(let own)? = call.arguments["on"], own != "dev" else { return [] }
    let kind = own.prefix { $0.isLetter }
    let isCommand = call.name.hasPrefix("KVM_TDX_")
    return handles.filter { other in
      other != own
        && (other.hasPrefix(kind)
          || isCommand && !other.hasPrefix("gmem") && !other.hasPrefix("map"))
    }.map { .text($0) }
  }

  private static func hex(_ numbers: [UInt64]) -> [TestValue?] { numbers.map { Say.hex($0) } }

  private static func number(_ call: Call, _ argument: String) -> UInt64 {
    switch call.arguments[argument] {
    case .integer(let number)?: UInt64(bitPattern: number)
    case .text(let text)?: UInt64(text.dropFirst(2), radix: 16) ?? 0
    default: 0
    }
  }

  private static let top: UInt64 = 1 << 63
  private static let lastPage = UInt64.max - 4095

  /// Numbers of bytes: next to the call's own, not aligned, and at each limit of the kernel.
  private static func sizes(_ argument: String, _ call: Call) -> [TestValue?] {
    let own = number(call, argument)
    let near =
      [own &+ 1, own &+ 0x800, own &+ 0x1000, own &+ 0x2000]
      + (own >= 0x1000 ? [own - 0x1000] : [])
    switch (call.name, argument) {
    case (_, "nr_pages"): return hex([0, 1, 2, 3, 4, 1 << 35, 1 << 52])
    case ("KVM_PRE_FAULT_MEMORY", "gpa"): return hex(near + [own | 1 << 47, lastPage])
    case (_, "gpa"):
      return hex(near + [own | 1 << 47, own | 1 << 51, own | 1 << 52, own | top, lastPage])
    case ("KVM_SET_MEMORY_ATTRIBUTES", "size"):
      // Larger ranges take the kernel long.
      return hex(near + [0, 1] + (number(call, "gpa") > 0 ? [lastPage] : []))
    case ("KVM_CREATE_GUEST_MEMFD", "size"):
      return hex(near + [0, 1, 0xfff, top - 0x1000, top, lastPage])
    case ("KVM_PRE_FAULT_MEMORY", "size"): return hex(near + [0, 1, lastPage])
    case ("ftruncate", "size"): return hex([0, 0x1000, 0x40_0000])
    case ("mmap", "len"): return hex([0, 0x1000, 0x2000, 0x40_0000])
    case ("mmap", _): return hex([0, 0x1, 0x1000, 0x2000, 0x3000])
    case ("touch", _): return hex([0, 0x1000, 0x2000, 0x3000])
    case ("pread", _), ("pwrite", _): return []
    case (_, "size"):
      // KVM_MEM_MAX_NR_PAGES is 2^31 - 1.
      return hex(near + [0, 1, (1 << 43) - 0x1000, 1 << 43, lastPage])
    case (_, "gmem_offset"):
      return hex(near + [0, 1, 0x4000, 0x6000, 0x8000, top - 0x1000, lastPage])
    default: return hex(near + [0, 1, 0x4000, 0x6000, 0x8000, top - 0x1000, top, lastPage])
    }
  }

  private static func flags(_ call: Call) -> [TestValue?] {
    switch call.name {
    case "mmap": ["PRIVATE", "SHARED"]
    case "KVM_SET_USER_MEMORY_REGION2":
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 0x8000_0000].map { .integer($0) }
    case "KVM_CREATE_GUEST_MEMFD": hex([0, 1, 2, 3, 4, 8, 1 << 31, 1 << 32, top])
    case "KVM_SET_MEMORY_ATTRIBUTES", "KVM_PRE_FAULT_MEMORY": hex([1, 2, 8, 1 << 32, top])
    case "KVM_TDX_INIT_MEM_REGION": [0, 1, 2, 3, 4, 0x8000_0000].map { .integer($0) }
    default: [1, 2, 0x8000_0000].map { .integer($0) }
    }
  }

  /// The first argument of a capability.
  private static func arguments(_ call: Call) -> [TestValue?] {
    let numbers: [UInt64] =
      switch call.arguments["cap"] {
      case "KVM_CAP_SPLIT_IRQCHIP": [0, 0x18, 0x1000, 0x1001, 1 << 32]
      case "KVM_CAP_EXIT_HYPERCALL": [0, 1, 0x800, 0x1000, 0x1001, 0x2000]
      case "KVM_CAP_MAX_VCPU_ID": [0, 1, 4, 16, 256, 0x1000, 0x1001]
      default: [0, 1]
      }
    return numbers.map { .list([Say.hex($0), "0x0"]) }
  }

  private static func listed(_ argument: String, _ call: Call) -> [TestValue?] {
    switch (call.name, argument) {
    case (_, "type"): [0, 1, 2, 3, 4, 5, 6, 64, 0x8000_0000].map { .integer($0) }
    case (_, "nent"): [0, 2, 6, 256].map { .integer($0) }
    case (_, "id") where call.name == "KVM_CREATE_VCPU":
      [0, 1, 3, 4, 15, 16, 23, 24, 255, 256, 4095, 4096, 0x8000_0000].map { .integer($0) }
    case (_, "id"): [0, 1, 2, 3, 4, 5, 6, 7, 99, 0xffff_ffff].map { .integer($0) }
    case (_, "attributes") where call.name == "KVM_TDX_INIT_VM":
      hex([0, 1, 2, 0x1000_0001, 0x3000_0000, 0x4000_0000, top])
    case (_, "attributes"): hex([0, 1, 2, 4, 8, 9, 0x10, top, UInt64.max])
    case (_, "xfam"): hex([0, 1, 2, 3, 6, 7, 0x103, 0x203, 0x207, 0x403, 0x10_0000, top])
    case ("KVM_TDX_INIT_VM", "gpaw"): [nil] + [0, 47, 48, 49, 51, 52, 53].map { .integer($0) }
    case (_, "gpaw"): [nil, 48, 52]
    case (_, "x2apic"): [true, false]
    case (_, "slot"):
      [0, 1, 2, 3, 4, 5, 0x7ffb, 0x7ffc, 0x7fff, 0xffff, 0x2_0000].map { .integer($0) }
    case (_, "hva"):
      [
        "buf+0x0", "buf+0x1", "buf+0x1000", "buf+0x800000", "0x0", "0x800000000000",
        "0xffff800000000000",
      ]
    case (_, "source"): ["buf+0x1", "buf+0x1000", "buf+0x7ff000", "buf+0x800000", "0x0"]
    case (_, "mode"):
      [
        "PUNCH_HOLE|KEEP_SIZE", "KEEP_SIZE", "0", "PUNCH_HOLE", "ZERO_RANGE", "COLLAPSE_RANGE",
      ]
    case (_, "prot"): ["READ|WRITE", "READ", "NONE", "READ|EXEC"]
    case (_, "mp_state"): [0, 1, 2, 3, 4].map { .integer($0) }
    case (_, "ret"): [0, 1, 11, 22].map { .integer($0) }
    default: []
    }
  }
}
