import ConformanceKit

/// Calls that are made by a name alone: `kvm:17` is the same in every run.
///
/// Each begins with a part of a TD's life, so that random calls meet all its states. No suite and
/// no spec has a part in them.
public struct CallSequence: Hashable, Sendable {
  public let name: String
  /// What they are made on.
  public let system: SimulatedSystem
  public let calls: [Call]

  /// The kinds: the name before the colon, with the system.
  private static let kinds: [(name: String, system: String)] = [
    ("module", "module"), ("kvm", "7.3-tdx"), ("standin", "7.3-tdx-standin"),
    ("in-place", "7.4-tdx-standin"), ("plain", "7.3-sw-protected"),
    ("s390", "s390"), ("s390-async", "s390-async"), ("s390-slow", "s390-async-slow"),
    ("s390-2g", "s390-async-2g"), ("s390-off", "s390-async-off"), ("s390-sync", "s390-sync"),
  ]

  private static let ofS390 = kinds.map(\.name).filter { $0.hasPrefix("s390") }

  /// How many random calls there are.
  private static let length = 40

  /// The sequence of a name; nil for a name that none has.
  public init?(name: String) {
    let parts = name.split(separator: ":")
    guard parts.count == 2, let seed = UInt64(parts[1]),
      let kind = Self.kinds.first(where: { $0.name == parts[0] }),
      let system = SimulatedSystem(name: kind.system)
    else { return nil }
    self.name = name
    self.system = system
    var random = SplitMix(seed: seed)
    let life = Self.life(kind.name)
    var calls = Array(life.prefix(Int(random.next() % UInt64(life.count + 1))))
    if Self.ofS390.contains(kind.name) {
      var fuzzer = S390Fuzzer(seed: seed)
      for _ in 0..<Self.length { calls.append(fuzzer.next()) }
    } else if kind.name == "module" {
      var fuzzer = ModuleFuzzer(seed: seed)
      for _ in 0..<Self.length { calls.append(fuzzer.next()) }
    } else {
      var fuzzer = KVMFuzzer(seed: seed)
      for _ in 0..<Self.length { calls.append(fuzzer.next()) }
    }
    self.calls = calls
  }

  private static func life(_ kind: String) -> [Call] {
    if ofS390.contains(kind) {
      return TypicalLife.ofS390(isLoaded: kind != "s390", isAsync: kind != "s390-sync")
    }
    return kind == "module" ? TypicalLife.ofModule : TypicalLife.ofKVM(kind)
  }

  /// The names of so many sequences of each kind in which a fault can show.
  public static func names(for fault: Fault, count: Int) -> [String] {
    if fault.isOfS390 {
      let alone = (0..<count).flatMap { number in ofS390.map { "\($0):\(number)" } }
      return fault.isOfLock ? alone + (0..<count / 2).map { "s390-threads:\($0)" } : alone
    }
    let own = fault.isOfModule ? ["module", "kvm"] : ["kvm", "standin", "in-place", "plain"]
    let alone = (0..<count).flatMap { number in own.map { "\($0):\(number)" } }
    // An invalidation that never ends has threads try again without end.
    guard fault.isOfLock, !fault.isOfModule else { return alone }
    return alone + (0..<count / 8).map { "threads:\($0)" }
  }
}

/// The calls of a TD's life, each of which succeeds when those before it were made.
enum TypicalLife {
  static func ofKVM(_ kind: String) -> [Call] {
    kind == "plain" ? Array(memory(type: 1)) : kind == "in-place" ? inPlace : domain
  }

  private static func machine(_ type: Int64) -> Call {
    Call("KVM_CREATE_VM", ["new": "vm0", "type": .integer(type)])
  }

  private static func memory(type: Int64) -> [Call] {
    [machine(type), Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0])]
      + slot(flags: 0)
      + [attributes, prefault]
  }

  private static func slot(flags: Int64) -> [Call] {
    [
      Call(
        "KVM_CREATE_GUEST_MEMFD",
        ["on": "vm0", "new": "gmem0", "size": "0x4000", "flags": .integer(flags)]),
      Call(
        "KVM_SET_USER_MEMORY_REGION2",
        [
          "on": "vm0", "slot": 0, "gpa": "0x0", "size": "0x4000", "flags": 4, "hva": "buf+0x0",
          "gmem": "gmem0", "gmem_offset": "0x0",
        ]),
    ]
  }

  private static let attributes = Call(
    "KVM_SET_MEMORY_ATTRIBUTES",
    ["on": "vm0", "gpa": "0x0", "size": "0x4000", "attributes": 8, "flags": 0])
  private static let prefault = Call(
    "KVM_PRE_FAULT_MEMORY", ["on": "vcpu0", "gpa": "0x1000", "size": "0x2000", "flags": 0])

  private static let inPlace: [Call] =
    [machine(1)] + slot(flags: 3) + [
      Call(
        "mmap",
        [
          "on": "gmem0", "new": "map0", "offset": "0x0", "len": "0x4000", "prot": "READ|WRITE",
          "flags": "SHARED",
        ]),
      Call("touch", ["on": "map0", "offset": "0x0", "write": true, "value": 7]),
      convert(8), convert(0),
    ]

  private static func convert(_ attributes: Int64) -> Call {
    Call(
      "KVM_SET_MEMORY_ATTRIBUTES2",
      [
        "on": "gmem0", "offset": "0x0", "size": "0x2000", "attributes": .integer(attributes),
        "flags": 0,
      ])
  }

  private static let domain: [Call] =
    [
      machine(5),
      Call(
        "KVM_ENABLE_CAP",
        ["on": "vm0", "cap": "KVM_CAP_SPLIT_IRQCHIP", "flags": 0, "args": ["0x18", "0x0"]]),
      Call(
        "KVM_TDX_INIT_VM",
        ["on": "vm0", "flags": 0, "attributes": "0x10000000", "xfam": "0x3", "gpaw": 48]),
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0]),
      Call("KVM_SET_CPUID2", ["on": "vcpu0", "x2apic": true, "gpaw": 48]),
      Call("KVM_TDX_INIT_VCPU", ["on": "vcpu0", "flags": 0, "data": "0x0"]),
    ] + slot(flags: 0) + [
      attributes,
      Call(
        "KVM_TDX_INIT_MEM_REGION",
        ["on": "vcpu0", "flags": 1, "gpa": "0x0", "nr_pages": 1, "source": "buf+0x0"]),
      Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]),
      Call("KVM_RUN", ["on": "vcpu0"]), prefault,
    ]

  private static func leaf(_ name: String, _ arguments: [String: Value], lp: Int64 = 0) -> Call {
    Call(name, arguments.merging(["lp": .integer(lp)]) { $1 })
  }

  /// A TD with a vCPU, a private page of its image and a pending one, entered.
  static let ofModule: [Call] = {
    var calls = [leaf("MNG.CREATE", ["td": "td:0", "page": "page:47", "hkid": "hkid:0"])]
    calls += [0, 2].map { leaf("MNG.KEY.CONFIG", ["td": "td:0"], lp: $0) }
    calls += (0..<6).map { leaf("MNG.ADDCX", ["td": "td:0", "page": .text("page:\(46 - $0)")]) }
    calls.append(leaf("MNG.INIT", ["td": "td:0", "params": "ok"]))
    calls.append(leaf("VP.CREATE", ["td": "td:0", "vcpu": "vcpu:0.0", "page": "page:40"]))
    calls += (0..<5).map {
      leaf("VP.ADDCX", ["vcpu": "vcpu:0.0", "page": .text("page:\(39 - $0)")])
    }
    calls.append(leaf("VP.INIT", ["vcpu": "vcpu:0.0"]))
    calls += [3, 2, 1].map { level in
      leaf(
        "MEM.SEPT.ADD",
        [
          "td": "td:0", "gpa": "gpa:0", "level": .integer(level),
          "page": .text("page:\(30 + level)"),
        ])
    }
    calls += [
      leaf("MEM.PAGE.ADD", ["td": "td:0", "gpa": "gpa:0", "level": 0, "page": "page:30"]),
      leaf("MR.EXTEND", ["td": "td:0", "gpa": "gpa:0", "chunk": 0]),
      leaf("MR.FINALIZE", ["td": "td:0"]),
      leaf("MEM.PAGE.AUG", ["td": "td:0", "gpa": "gpa:1", "level": 0, "page": "page:29"]),
      leaf("MEM.PAGE.AUG", ["td": "td:0", "gpa": "gpa:4", "level": 1, "page": "block:0"]),
      leaf("VP.ENTER", ["vcpu": "vcpu:0.0"]),
      leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": "gpa:1", "level": 0]),
      leaf("MEM.RANGE.BLOCK", ["td": "td:0", "gpa": "gpa:1", "level": 0], lp: 1),
      leaf("MEM.TRACK", ["td": "td:0"], lp: 1),
      leaf("GUEST.EXIT", ["reason": "interrupt"]),
      leaf("MEM.PAGE.REMOVE", ["td": "td:0", "gpa": "gpa:1", "level": 0]),
    ]
    return calls
  }()
}
