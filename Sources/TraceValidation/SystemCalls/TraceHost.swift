/// What the calls of a trace show of the host, as parameters of `gmem/mainline`.
struct TraceHost {
  private(set) var parameters = ["PRIVATE": 0, "SMM": 1]

  init(_ traced: TracedVMs) {
    for step in traced.histories.flatMap(\.steps) {
      guard let call = step.recorded, call.ret != -1 else { continue }
      switch (step.op, call.text("cap")) {
      case ("KVM_CREATE_VM", _) where call.number("type") == 1: parameters["PRIVATE"] = 1
      case ("KVM_SET_MEMORY_ATTRIBUTES", _): parameters["PRIVATE"] = 1
      case ("KVM_CHECK_EXTENSION", "KVM_CAP_VM_TYPES") where call.ret & 2 != 0:
        parameters["PRIVATE"] = 1
      case ("KVM_CHECK_EXTENSION", "KVM_CAP_MEMORY_ATTRIBUTES") where call.ret != 0:
        parameters["PRIVATE"] = 1
      case ("KVM_CHECK_EXTENSION", "KVM_CAP_MULTI_ADDRESS_SPACE") where call.ret == 0:
        parameters["SMM"] = 0
      default: continue
      }
    }
  }
}
