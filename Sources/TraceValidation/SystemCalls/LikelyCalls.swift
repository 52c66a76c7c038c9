/// Calls that a VM's life usually has, for what a history says the VM has: a refused call may be
/// legal after one that the trace lacks.
struct LikelyCalls {
  private(set) var steps: [KVMStep] = []

  init(_ history: VMHistory) {
    var seen: Set<String> = []
    for step in history.steps {
      guard let call = step.recorded else { continue }
      switch call.op {
      case "KVM_CREATE_VM": ofVM(call.on, history.isTD)
      case "KVM_CREATE_VCPU":
        guard history.isTD, let new = call.text("new"), seen.insert(new).inserted else { continue }
        add("KVM_SET_CPUID2", new, ["x2apic": .bool(true), "gpaw": .number(52)])
        add("KVM_SET_CPUID2", new, ["x2apic": .bool(true), "gpaw": .number(48)])
        add("KVM_TDX_INIT_VCPU", new, [:])
      case "KVM_SET_USER_MEMORY_REGION2":
        guard call.text("gmem") != nil, let gpa = call.number("gpa"),
          let size = call.number("size"), seen.insert("\(call.on) \(gpa) \(size)").inserted
        else { continue }
        add(
          "KVM_SET_MEMORY_ATTRIBUTES", call.on,
          ["gpa": .hex(gpa), "size": .hex(size), "attributes": .hex(8), "flags": .hex(0)])
      default: continue
      }
    }
  }

  private mutating func add(_ op: String, _ on: String, _ more: [String: TraceValue]) {
    steps.append(
      KVMStep(op, more.merging(["on": .text(on)]) { $1 }, ret: 0, errno: nil))
  }

  private mutating func ofVM(_ vm: String, _ isTD: Bool) {
    guard isTD else { return }
    add(
      "KVM_ENABLE_CAP", vm,
      [
        "cap": .text("KVM_CAP_SPLIT_IRQCHIP"), "flags": .hex(0),
        "args": .list([.hex(24), .hex(0)]),
      ])
    for width in [52, 48] {
      add(
        "KVM_TDX_INIT_VM", vm,
        ["attributes": .hex(0x1000_0000), "xfam": .hex(3), "gpaw": .number(width)])
    }
    add("KVM_TDX_FINALIZE_VM", vm, [:])
  }
}
