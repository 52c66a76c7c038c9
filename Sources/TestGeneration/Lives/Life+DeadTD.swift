import ConformanceKit

/// Lives of TDs that end early or are called in older ways.
extension Life {
  private static let start: [Call] = [
    Say.createVM("vm0", 5), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18), Say.initVM("vm0"),
    Say.createVCPU("vm0", "vcpu0", 0), Say.setCPUID("vcpu0"), Say.initVCPU("vcpu0"),
    Say.createMemory("vm0", "gmem0", 0x4000, 0),
    Say.bind("vm0", slot: 0, 0, 0x3000, "gmem0", 0),
    Say.attributes("vm0", 0, 0x3000, isPrivate: true),
  ]

  private static func fail(_ leaf: String) -> Call {
    Call(
      "standin_fail",
      ["leaf": .text("TDH." + leaf), "count": 1, "status": "0xc000010000000001"])
  }

  /// What is still asked of a VM that is dead, and then its end.
  private static let asked: [Call] =
    [
      Say.on("vcpu0", "KVM_SET_MP_STATE", ["mp_state": 0]),
      Say.on("vcpu0", "KVM_GET_MP_STATE"), Say.on("vcpu0", "KVM_GET_REGS"),
      Say.setCPUID("vcpu0"), Say.initVCPU("vcpu0"), Say.tdx("GET_CPUID", "vcpu0", ["nent": 100]),
      Say.addMemory("vcpu0", 0x1000, pages: 1, isMeasured: true),
      Say.preFault("vcpu0", 0x1000, 0x1000), Say.on("vcpu0", "KVM_RUN"),
      Say.tdx("CAPABILITIES", "vm0", ["nent": 64]), Say.initVM("vm0"),
      Say.tdx("FINALIZE_VM", "vm0"),
    ] + (0...6).map { Say.raw("vm0", $0) } + (0...6).map { Say.raw("vcpu0", $0) } + [
      Say.createVCPU("vm0", "vcpu1", 1), Say.createMemory("vm0", "gmem1", 0x1000, 0),
      Say.enable("vm0", "EXIT_HYPERCALL", 0x1000), Say.enable("vm0", "MAX_VCPU_ID", 4),
      Say.on("vm0", "KVM_CREATE_IRQCHIP"), Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 1_000_000]),
      Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]), Say.ask("vm0", "MAX_VCPUS"),
      Say.bind("vm0", slot: 1, 0x10_0000, 0x1000, "gmem0", 0x3000),
      Say.region("vm0", slot: 0, 0, 0), Say.oldRegion("vm0", slot: 2, 0x20_0000, 0x1000),
      Say.attributes("vm0", 0, 0x1000, isPrivate: false), Say.on("gmem0", "fstat"),
      Say.fallocate("gmem0", Say.punch, 0, 0x1000), Say.close("gmem0"), Say.close("vcpu0"),
      Say.close("vm0"),
    ]

  /// The module refuses a page of a running TD.
  static let dying: [Call] =
    start + [
      Say.addMemory("vcpu0", 0, pages: 1, isMeasured: true), Say.tdx("FINALIZE_VM", "vm0"),
      fail("MEM.PAGE.AUG"), Say.preFault("vcpu0", 0x1000, 0x1000),
    ] + asked

  /// The module refuses to measure a page of the image.
  static let dyingImage: [Call] =
    start + [fail("MR.EXTEND"), Say.addMemory("vcpu0", 0, pages: 2, isMeasured: true)] + asked

  /// Commands by number, wherever they are known or not, and memslots of the older call.
  static let commands: [Call] =
    [Say.createVM("vm0", 5)] + (0...6).map { Say.raw("vm0", $0) } + [
      Say.enable("vm0", "SPLIT_IRQCHIP", 0x18), Say.initVM("vm0"),
      Say.createVCPU("vm0", "vcpu0", 0), Say.setCPUID("vcpu0"),
    ] + (0...6).map { Say.raw("vcpu0", $0) } + [
      Say.oldRegion("vm0", slot: 0, 0, 0x2000), Say.oldRegion("vm0", slot: 0, 0, 0x2000),
      Say.oldRegion("vm0", slot: 0, 0x4000, 0x2000),
      Say.createMemory("vm0", "gmem0", 0x2000, 0),
      Say.bind("vm0", slot: 1, 0, 0x2000, "gmem0", 0),
      Say.attributes("vm0", 0, 0x2000, isPrivate: true),
      Say.addMemory("vcpu0", 0, pages: 1, isMeasured: true), Say.oldRegion("vm0", slot: 1, 0, 0),
      Say.bind("vm0", slot: 2, 0x10_0000, 0x2000, "gmem0", 0),
      Say.attributes("vm0", 0x10_0000, 0x2000, isPrivate: true), Say.raw("vm0", 4),
      Say.tdx("FINALIZE_VM", "vm0"), Say.preFault("vcpu0", 0x4000, 0x2000),
      Say.preFault("vcpu0", 0x10_0000, 0x1000), Say.oldRegion("vm0", slot: 0, 0x4000, 0),
      Say.preFault("vcpu0", 0x4000, 0x1000), Say.oldRegion("vm0", slot: 2, 0x10_0000, 0),
      Say.close("gmem0"), Say.close("vcpu0"), Say.close("vm0"),
    ]
}
