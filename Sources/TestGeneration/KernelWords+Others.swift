import ConformanceKit

/// Other values of the same classes: each broken in another way.
extension KernelWords {
  /// Every call that these words stand for, the usual one first; none for a call without words.
  func calls(_ call: Call) -> [Call] {
    guard let usual = self.call(call) else { return [] }
    let changes = Self.others(call.name, ClassArguments(call))
    return [usual]
      + changes.map { change in
        var other = usual
        other.arguments.merge(change) { $1 }
        return other
      }
  }

  /// What is changed in the usual call, in each other one.
  private static func others(
    _ name: String, _ given: ClassArguments
  ) -> [[String: TestValue]] {
    switch (name, given.isFine) {
    case ("KVM_CREATE_VM", false): [["type": 2], ["type": 4], ["type": 6]]
    case ("KVM_ENABLE_CAP", false) where given.name("cap") == "splitIrqchip":
      [["flags": 1, "args": .list([24, 0])]]
    case ("KVM_ENABLE_CAP", false) where given.name("cap") == "exitHypercall":
      [["flags": 1, "args": .list([0x1000, 0])], ["args": .list([0x2000, 0])]]
    case ("KVM_CREATE_GUEST_MEMFD", false): [["size": 0], ["size": 4097]]
    case ("KVM_SET_MEMORY_ATTRIBUTES", false) where given.flag("private") == false:
      [["flags": 0, "attributes": 1], ["flags": 0, "attributes": 16]]
    case ("KVM_TDX_INIT_VM", _):
      switch given.name("init_vm") {
      case "attributes": [["attributes": 0x2], ["attributes": 0x3000_0000]]
      case "xfam": [["xfam": 0x403]]
      case "guestPhysicalBits": [["gpaw": 0], ["gpaw": 49], ["gpaw": 53]]
      default: []
      }
    case ("KVM_SET_USER_MEMORY_REGION2", true) where given.name("flags") == "refused":
      [["flags": 16], ["flags": 12]]
    default: []
    }
  }
}
