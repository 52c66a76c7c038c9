import ConformanceKit
import SpecLanguage
import SpecProgram

/// The words that a suite's calls are in.
public enum CallWords: String, Sendable, CaseIterable {
  /// The spec's: classes such as `malformed`, elements such as `v0`.
  case spec
  /// Those of real system calls, for `kvm/tdx`: numbers, flags, names of descriptors.
  case kernel
}

/// Puts calls of `kvm/tdx` into numbers and flags: for each class one of its values.
///
/// The words are those of recorded calls (`tdxspec trace check --format kvm-answers`): `on` and
/// `new` name descriptors, `buf+0x0` is the start of 8 MiB of readable memory that none follows.
/// Element i of `Page` is the i-th page of the GPA space, of `FileIndex` that of a file. A call
/// that no value makes so, such as one with a class that this file does not know, has no words.
struct KernelWords {
  /// What the sizes of the spec's sorts say.
  let indices: Int
  let bias: Int

  init(_ scope: ResolvedScope) {
    indices = scope.value(of: "indices") ?? 1
    bias = scope.value(of: "bias") ?? 0
  }

  /// - Returns: nil for a call that has no words.
  func call(_ call: Call) -> Call? {
    let given = ClassArguments(call)
    let made = onDescriptors(call.name, given) ?? onMemory(call.name, given)
    guard var made else { return nil }
    switch given.name("caller") {
    case nil, "owner": break
    case "child": made.arguments["by"] = "child"
    default: return nil
    }
    return made
  }

  // MARK: VMs and vCPUs

  private func onDescriptors(_ name: String, _ given: ClassArguments) -> Call? {
    switch name {
    case "KVM_CREATE_VM": return createVM(given)
    case "KVM_ENABLE_CAP": return enableCap(given)
    case "KVM_ENABLE_CAP(MAX_VCPU_ID)": return limitIDs(given)
    case "KVM_CREATE_IRQCHIP": return Call(name, ["on": "vm0"])
    case "KVM_SET_TSC_KHZ":
      return given.isFine ? Call(name, ["on": "vm0", "khz": 1_000_000]) : nil
    case "KVM_TDX_CAPABILITIES":
      guard let room = given.name("nent"), room != "unreadable" else { return nil }
      return command(name, "vm0", given, ["nent": room == "fine" ? 64 : 0])
    case "KVM_TDX_INIT_VM": return initVM(given)
    case "KVM_TDX_FINALIZE_VM": return command(name, "vm0", given)
    case "KVM_CREATE_VCPU":
      guard given.flag("fd_table_full") != true, let id = given.number("id"),
        let limit = Self.firstID(id)
      else { return nil }
      return vcpu(given).map { Call(name, ["on": "vm0", "new": .text($0), "id": limit]) }
    case "KVM_SET_CPUID2":
      guard let width = Self.width(given.name("gpaw")), let x2apic = given.flag("x2apic") else {
        return nil
      }
      return vcpu(given).map {
        Call(name, ["on": .text($0), "x2apic": .flag(x2apic), "gpaw": width])
      }
    case "KVM_TDX_INIT_VCPU":
      return vcpu(given).flatMap { command(name, $0, given, ["data": 0]) }
    case "close(vm)": return Call("close", ["on": "vm0"])
    case "close(vcpu)": return vcpu(given).map { Call("close", ["on": .text($0)]) }
    case "close(gmem)": return gmem(given).map { Call("close", ["on": .text($0)]) }
    default: return nil
    }
  }

  private func vcpu(_ given: ClassArguments) -> String? {
    given.element("vcpu").map { "vcpu\($0)" }
  }

  func gmem(_ given: ClassArguments) -> String? { given.element("gmem").map { "gmem\($0)" } }

  private func createVM(_ given: ClassArguments) -> Call? {
    let type: Int64
    switch (given.name("type"), given.isFine) {
    case ("td", true): type = 5
    case ("softwareProtected", true): type = 1
    case ("ordinary", true): type = 0
    case ("ordinary", false): type = 99
    default: return nil
    }
    return Call("KVM_CREATE_VM", ["new": "vm0", "type": .integer(type)])
  }

  private func enableCap(_ given: ClassArguments) -> Call? {
    // For each capability an argument that it takes, and one that it does not.
    let known: [String: (name: String, fine: Int64?, malformed: Int64?)] = [
      "splitIrqchip": ("KVM_CAP_SPLIT_IRQCHIP", 24, 4097),
      "exitHypercall": ("KVM_CAP_EXIT_HYPERCALL", 0x1000, 1),
      "noHypercallExits": ("KVM_CAP_EXIT_HYPERCALL", 0, nil),
      "maxVCPUs": ("KVM_CAP_MAX_VCPUS", nil, 1),
      "busCycles": ("KVM_CAP_X86_APIC_BUS_CYCLES_NS", 20, 0),
    ]
    guard let capability = given.name("cap").flatMap({ known[$0] }),
      let argument = given.isFine ? capability.fine : capability.malformed
    else { return nil }
    return Call(
      "KVM_ENABLE_CAP",
      [
        "on": "vm0", "cap": .text(capability.name), "flags": 0,
        "args": .list([.integer(argument), 0]),
      ])
  }

  private func limitIDs(_ given: ClassArguments) -> Call? {
    // 0 is no limit; below the first limit there is none.
    guard given.isFine, let number = given.number("id"), number > 0,
      let limit = number == 7 ? 0 : Self.firstID(number)
    else { return nil }
    return Call(
      "KVM_ENABLE_CAP",
      ["on": "vm0", "cap": "KVM_CAP_MAX_VCPU_ID", "flags": 0, "args": .list([limit, 0])])
  }

  /// The first id of each class of vCPU ids (kvm-tdx §2.1): those below the n-th limit.
  private static func firstID(_ number: Int) -> TestValue? {
    let firsts: [Int64] = [0, 1, 4, 16, 24, 256, 4096]
    return firsts.indices.contains(number) ? .integer(firsts[number]) : nil
  }

  private static func width(_ name: String?) -> TestValue? {
    switch name {
    case "bits48": 48
    case "bits52": 52
    default: nil
    }
  }

  /// An ioctl with a `struct kvm_tdx_cmd`.
  func command(
    _ name: String, _ on: String, _ given: ClassArguments, _ more: [String: TestValue] = [:]
  ) -> Call? {
    var call = Call(name, ["on": .text(on), "flags": 0])
    switch given.name("cmd") {
    case nil, "fine": break
    case "flags": call.arguments["flags"] = 1
    case "hardwareError": call.arguments["hw_error"] = 1
    default: return nil
    }
    call.arguments.merge(more) { $1 }
    return call
  }

  /// What the recorded machine's KVM_TDX_CAPABILITIES allows: attributes 0x10000000, XFAM 0x207
  /// with 0x2 set.
  private func initVM(_ given: ClassArguments) -> Call? {
    var more: [String: TestValue] = ["attributes": 0x1000_0000, "xfam": 0x3]
    guard let width = Self.width(given.name("guest_pa")) else { return nil }
    more["gpaw"] = width
    switch given.name("init_vm") {
    case "fine": break
    case "unreadable": more["data"] = "NULL"
    case "attributes": more["attributes"] = 0x1
    case "xfam": more["xfam"] = 0x103
    case "guestPhysicalBits":
      guard width == 48 else { return nil }
      more["gpaw"] = 47
    default: return nil
    }
    return command("KVM_TDX_INIT_VM", "vm0", given, more)
  }
}

/// The arguments of a call in the spec's words.
struct ClassArguments {
  private let call: Call

  init(_ call: Call) { self.call = call }

  /// All values, by the order of their names.
  var arguments: [TestValue] {
    call.arguments.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The name of a class.
  func name(_ argument: String) -> String? {
    guard case .text(let text)? = call.arguments[argument] else { return nil }
    return text
  }

  func flag(_ argument: String) -> Bool? {
    guard case .flag(let flag)? = call.arguments[argument] else { return nil }
    return flag
  }

  func number(_ argument: String) -> Int? {
    guard case .integer(let number)? = call.arguments[argument] else { return nil }
    return Int(number)
  }

  /// `v0` is 0.
  func element(_ argument: String) -> Int? { name(argument).flatMap(Self.number) }

  /// `{p0, p1}` is 0..<2; nil for a set that is no range, and for none.
  func range(_ argument: String) -> Range<Int>? {
    guard let text = name(argument), text.hasPrefix("{"), text.hasSuffix("}") else { return nil }
    let members = text.dropFirst().dropLast().split(separator: ",").map {
      Self.number(String($0.filter { $0 != " " }))
    }
    guard let first = members.first else { return 0..<0 }
    guard let first else { return nil }
    return members.enumerated().allSatisfy({ $0.element == first + $0.offset })
      ? first..<first + members.count : nil
  }

  private static func number(_ text: String) -> Int? { Int(text.drop { $0.isLetter }) }

  /// Whether the shape is what the call takes; calls without one are.
  var isFine: Bool { name("shape") != "malformed" }
}
