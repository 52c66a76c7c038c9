import ConformanceKit
import SpecProgram

/// The calls that lead to where scopes of `kvm/tdx` with `BUILT` begin: a TD with vCPUs, whose
/// pages are private and bound to one memfd; with 2, initialised and finalized (kvm-tdx §1.3).
struct BuiltCalls {
  /// The event that stands for them.
  static let event = "a VMM has built a TD"

  private let vcpus: Int
  private let pages: Int
  private let indices: Int
  private let isFinalized: Bool

  init(_ scope: ResolvedScope) {
    vcpus = scope.value(of: "vcpus") ?? 1
    pages = scope.value(of: "pages") ?? 1
    indices = scope.value(of: "indices") ?? 1
    isFinalized = scope.value(of: "BUILT") == 2
  }

  /// - Parameter given: the event's arguments, a file and a slot.
  /// - Returns: nil where the file cannot hold every page.
  func calls(_ given: ClassArguments) -> [Call]? {
    guard let file = given.arguments.compactMap({ Self.number($0, "f") }).first,
      let slot = given.arguments.compactMap({ Self.number($0, "m") }).first, pages <= indices
    else { return nil }
    let size = TestValue.integer(Int64(pages) * 4096)
    let memory = TestValue.text("gmem\(file)")
    var calls = [
      Call("KVM_CREATE_VM", ["new": "vm0", "type": 5]),
      Call(
        "KVM_ENABLE_CAP",
        ["on": "vm0", "cap": "KVM_CAP_SPLIT_IRQCHIP", "flags": 0, "args": .list([24, 0])]),
      Call(
        "KVM_TDX_INIT_VM",
        ["on": "vm0", "flags": 0, "attributes": 0x1000_0000, "xfam": 0x3, "gpaw": 48]),
    ]
    for number in 0..<vcpus { calls += created(number) }
    calls += [
      Call(
        "KVM_CREATE_GUEST_MEMFD",
        ["on": "vm0", "new": memory, "size": .integer(Int64(indices) * 4096), "flags": 0]),
      Call(
        "KVM_SET_USER_MEMORY_REGION2",
        [
          "on": "vm0", "slot": .integer(Int64(slot)), "flags": 4, "gpa": 0, "size": size,
          "hva": "buf+0x0", "gmem": memory, "gmem_offset": 0,
        ]),
      Call(
        "KVM_SET_MEMORY_ATTRIBUTES",
        ["on": "vm0", "gpa": 0, "size": size, "attributes": 8, "flags": 0]),
    ]
    guard isFinalized else { return calls }
    for number in 0..<vcpus {
      calls.append(
        Call("KVM_TDX_INIT_VCPU", ["on": .text("vcpu\(number)"), "flags": 0, "data": 0]))
    }
    return calls + [Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0])]
  }

  /// A vCPU whose CPUID lets it be initialised: x2APIC, and the TD's GPA width.
  private func created(_ number: Int) -> [Call] {
    let name = TestValue.text("vcpu\(number)")
    return [
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": name, "id": .integer(Int64(number))]),
      Call("KVM_SET_CPUID2", ["on": name, "x2apic": true, "gpaw": 48]),
    ]
  }

  private static func number(_ value: TestValue, _ letter: String) -> Int? {
    guard case .text(let text) = value, text.hasPrefix(letter) else { return nil }
    return Int(text.dropFirst(letter.count))
  }
}
