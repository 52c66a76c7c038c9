import ConformanceKit

extension Life {
  private static let environment = "kvm-7.3-tdx-standin"

  /// Lives of TDs, where every SEAMCALL succeeds unless a test says otherwise.
  static let tds = [
    Life(name: "td", environment: environment, cpus: 2, calls: building + running + ending),
    Life(name: "td-memory", environment: environment, cpus: 2, calls: memory),
    Life(name: "td-others", environment: environment, cpus: 2, calls: others),
    Life(name: "two-tds", environment: environment, cpus: 2, calls: twoTDs),
    Life(name: "wide-td", environment: environment, cpus: 2, calls: wide),
    Life(name: "other-types", environment: environment, cpus: 2, calls: otherTypes),
    Life(name: "dying-td", environment: environment, cpus: 2, calls: dying),
    Life(name: "dying-image", environment: environment, cpus: 2, calls: dyingImage),
    Life(name: "commands", environment: environment, cpus: 2, calls: commands),
  ]

  private static let capabilities = [
    "GUEST_MEMFD", "MAX_VCPUS", "VM_TYPES", "PRE_FAULT_MEMORY", "MEMORY_ATTRIBUTES",
    "READONLY_MEM", "MULTI_ADDRESS_SPACE",
  ]

  private static let building: [Call] =
    [
      Say.ask("dev", "VM_TYPES"), Say.createVM("vm0", 5),
      Say.tdx("CAPABILITIES", "vm0", ["nent": 64]), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
      Say.enable("vm0", "EXIT_HYPERCALL", 0x1000), Say.enable("vm0", "MAX_VCPU_ID", 4),
      Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 2_000_000]), Say.initVM("vm0"),
    ] + capabilities.map { Say.ask("vm0", $0) } + [
      Say.createVCPU("vm0", "vcpu0", 0), Say.createVCPU("vm0", "vcpu1", 1),
      Say.setCPUID("vcpu0"), Say.setCPUID("vcpu1"), Say.initVCPU("vcpu0"), Say.initVCPU("vcpu1"),
      Say.tdx("GET_CPUID", "vcpu0", ["nent": 100]),
      Say.createMemory("vm0", "gmem0", 0x8000, 0), Say.createMemory("vm0", "gmem1", 0x2000, 1),
      Say.bind("vm0", slot: 0, 0, 0x4000, "gmem0", 0),
      Say.bind("vm0", slot: 1, 0x20_0000, 0x2000, "gmem0", 0x4000),
      Say.bind("vm0", slot: 2, 0x40_0000, 0x1000, "gmem1", 0),
      Say.region("vm0", slot: 3, 0x60_0000, 0x1000),
      Say.attributes("vm0", 0, 0x4000, isPrivate: true),
      Say.attributes("vm0", 0x20_0000, 0x2000, isPrivate: true),
      Say.addMemory("vcpu0", 0, pages: 2, isMeasured: true),
      Say.addMemory("vcpu1", 0x20_0000, pages: 1, isMeasured: false, source: "buf+0x1000"),
      Say.tdx("FINALIZE_VM", "vm0"),
    ]

  private static let running: [Call] = [
    Say.preFault("vcpu0", 0x2000, 0x1000), Say.preFault("vcpu1", 0x1000, 0x3000),
    Say.guestAccesses(0x20_1000), Say.on("vcpu0", "KVM_RUN"),
    Say.guestAccesses(0x8000_0000_1000), Say.on("vcpu0", "KVM_RUN"),
    Say.guestCalls(0x10001, 0x8000_0000_0000, 0x1000), Say.on("vcpu0", "KVM_RUN"),
    Say.attributes("vm0", 0, 0x1000, isPrivate: false),
    Say.on("vcpu0", "set_hypercall_ret", ["ret": 0]),
    Say.guestCalls(0x10003, 0, 0), Say.on("vcpu0", "KVM_RUN"),
    Say.guestAccesses(0), Say.on("vcpu1", "KVM_RUN"),
    Say.attributes("vm0", 0, 0x1000, isPrivate: true),
    Say.guestAccesses(0), Say.on("vcpu1", "KVM_RUN"),
    Say.fallocate("gmem0", Say.punch, 0x1000, 0x2000),
    Say.preFault("vcpu0", 0x1000, 0x1000), Say.fallocate("gmem0", "KEEP_SIZE", 0, 0x4000),
    Say.preFault("vcpu0", 0x40_0000, 0x1000), Say.preFault("vcpu0", 0x60_0000, 0x1000),
    Say.preFault("vcpu0", 0x80_0000, 0x1000),
    Say.on("vcpu0", "KVM_GET_REGS"), Say.on("vcpu0", "KVM_GET_MP_STATE"),
    Say.on("vcpu0", "KVM_SMI"), Say.on("vcpu0", "KVM_NMI"), Say.on("vcpu0", "KVM_SET_SREGS"),
    Say.on("vm0", "KVM_CREATE_IRQCHIP"), Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]),
    Say.on("vm0", "KVM_MEMORY_ENCRYPT_OP", ["id": 6, "flags": 0, "data": "0x0"]),
  ]

  private static let ending: [Call] = [
    Say.region("vm0", slot: 1, 0x20_0000, 0),
    Say.guestAccesses(0x20_0000), Say.on("vcpu0", "KVM_RUN"),
    Say.bind("vm0", slot: 1, 0x20_0000, 0x2000, "gmem0", 0x4000),
    Say.preFault("vcpu0", 0x20_0000, 0x2000),
    Say.on("vcpu1", "KVM_SET_MP_STATE", ["mp_state": 1]), Say.on("vcpu1", "KVM_RUN"),
    Say.on("gmem0", "fstat"), Say.on("gmem0", "ftruncate", ["size": "0x1000"]),
    Say.on("gmem0", "pread", ["offset": "0x0"]), Say.map("map0", "gmem1", 0, 0x1000),
    Say.close("vcpu1"), Say.close("gmem0"), Say.preFault("vcpu0", 0x3000, 0x1000),
    Say.on("map0", "munmap"), Say.close("gmem1"), Say.close("vm0"),
    Say.preFault("vcpu0", 0x2000, 0x1000), Say.close("vcpu0"),
  ]

  /// A short way to a TD that runs, then much memory.
  private static let memory: [Call] = [
    Say.createVM("vm0", 5), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18), Say.initVM("vm0"),
    Say.createVCPU("vm0", "vcpu0", 0), Say.setCPUID("vcpu0"), Say.initVCPU("vcpu0"),
    Say.createMemory("vm0", "gmem0", 0x6000, 0),
    Say.bind("vm0", slot: 0, 0x1f_e000, 0x4000, "gmem0", 0x1000),
    Say.attributes("vm0", 0x1f_e000, 0x4000, isPrivate: true),
    Say.addMemory("vcpu0", 0x1f_e000, pages: 3, isMeasured: true),
    Say.addMemory("vcpu0", 0x1f_e000, pages: 1, isMeasured: true),
    Say.tdx("FINALIZE_VM", "vm0"), Say.preFault("vcpu0", 0x1f_e000, 0x4000),
    Say.fallocate("gmem0", Say.punch, 0, 0x3000), Say.preFault("vcpu0", 0x1f_e000, 0x2000),
    Say.attributes("vm0", 0x1f_f000, 0x2000, isPrivate: false),
    Say.preFault("vcpu0", 0x1f_e000, 0x4000),
    Say.attributes("vm0", 0x1f_f000, 0x2000, isPrivate: true),
    Say.guestAccesses(0x1f_f000), Say.on("vcpu0", "KVM_RUN"),
    Say.guestAccesses(0x20_0000), Say.on("vcpu0", "KVM_RUN"),
    Say.guestAccesses(0x100_0000), Say.on("vcpu0", "KVM_RUN"),
    Say.exits(0x4000_0001_0000_0000), Say.on("vcpu0", "KVM_RUN"),
    Say.region("vm0", slot: 0, 0x1f_e000, 0),
    Say.bind("vm0", slot: 4, 0, 0x2000, "gmem0", 0x2000),
    Say.attributes("vm0", 0, 0x2000, isPrivate: true), Say.preFault("vcpu0", 0, 0x2000),
    Say.fallocate("gmem0", Say.punch, 0x3000, 0x1000), Say.preFault("vcpu0", 0, 0x2000),
    Say.region("vm0", slot: 4, 0, 0), Say.close("gmem0"), Say.close("vm0"), Say.close("vcpu0"),
  ]

  /// What else a TD and its vCPUs are asked for.
  private static let others: [Call] =
    [
      Say.createVM("vm0", 5), Say.on("vm0", "KVM_CREATE_IRQCHIP"),
      Say.enable("vm0", "MAX_VCPUS", 1), Say.enable("vm0", "X86_APIC_BUS_CYCLES_NS", 40),
      Say.enable("vm0", "MAX_VCPU_ID", 16), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
      Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 1_000_000]), Say.initVM("vm0"),
      Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 1_000_000]),
      Say.createVCPU("vm0", "vcpu0", 4), Say.createVCPU("vm0", "vcpu1", 0),
      Say.setCPUID("vcpu0"), Say.setCPUID("vcpu1"), Say.initVCPU("vcpu0"),
      Say.on("vcpu0", "KVM_MEMORY_ENCRYPT_OP", ["id": 4, "flags": 0, "data": "0x0"]),
      Say.on("vm0", "KVM_MEMORY_ENCRYPT_OP", ["id": 2, "flags": 0, "data": "0x0"]),
      Say.region("vm0", slot: 0, 0, 0x2000), Say.region("vm0", slot: 0, 0x4000, 0x2000),
      Say.region("vm0", slot: 0, 0x4000, 0x2000, flags: 1),
      Say.createMemory("vm0", "gmem0", 0x1000, 0), Say.bind("vm0", slot: 1, 0, 0x1000, "gmem0", 0),
      Say.attributes("vm0", 0, 0x1000, isPrivate: true), Say.initVCPU("vcpu1"),
      Say.addMemory("vcpu1", 0, pages: 1, isMeasured: true), Say.tdx("FINALIZE_VM", "vm0"),
      Say.preFault("vcpu1", 0x4000, 0x2000),
    ] + registers("vcpu0") + [
      Say.on("vcpu0", "KVM_SET_MP_STATE", ["mp_state": 0]), Say.exits(0xc000_0100_0000_0001),
      Say.on("vcpu0", "KVM_RUN"), Say.enable("vm0", "EXIT_HYPERCALL", 0x1000),
      Say.guestCalls(0x10001, 0, 0x1000), Say.on("vcpu0", "KVM_RUN"),
      Say.on("vcpu0", "set_hypercall_ret", ["ret": 1]), Say.on("vcpu0", "KVM_RUN"),
      Say.region("vm0", slot: 1, 0, 0), Say.region("vm0", slot: 0, 0, 0),
      Say.close("vcpu1"), Say.close("vcpu0"), Say.close("gmem0"), Say.close("vm0"),
    ]

  private static let twoTDs: [Call] = [
    Say.createVM("vm0", 5), Say.createVM("vm1", 5), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
    Say.enable("vm1", "SPLIT_IRQCHIP", 0x18), Say.initVM("vm0"), Say.initVM("vm1"),
    Say.createVCPU("vm0", "vcpu0", 0), Say.createVCPU("vm1", "vcpu1", 1),
    Say.setCPUID("vcpu0"), Say.setCPUID("vcpu1"), Say.initVCPU("vcpu1"), Say.initVCPU("vcpu0"),
    Say.createMemory("vm0", "gmem0", 0x2000, 0), Say.createMemory("vm1", "gmem1", 0x2000, 0),
    Say.bind("vm1", slot: 0, 0, 0x2000, "gmem0", 0),
    Say.bind("vm0", slot: 0, 0, 0x2000, "gmem0", 0),
    Say.bind("vm1", slot: 0, 0, 0x2000, "gmem1", 0),
    Say.attributes("vm0", 0, 0x2000, isPrivate: true),
    Say.attributes("vm1", 0, 0x2000, isPrivate: true),
    Say.addMemory("vcpu0", 0, pages: 1, isMeasured: true),
    Say.addMemory("vcpu1", 0x1000, pages: 1, isMeasured: true),
    Say.tdx("FINALIZE_VM", "vm0"), Say.preFault("vcpu0", 0x1000, 0x1000),
    Say.preFault("vcpu1", 0, 0x1000), Say.tdx("FINALIZE_VM", "vm1"),
    Say.preFault("vcpu1", 0, 0x2000), Say.close("vm1"),
    Say.fallocate("gmem1", Say.punch, 0, 0x1000),
    Say.close("vcpu1"), Say.fallocate("gmem1", Say.punch, 0, 0x2000),
    Say.preFault("vcpu0", 0, 0x2000), Say.close("gmem0"), Say.close("vcpu0"), Say.close("vm0"),
    Say.close("gmem1"),
  ]

  /// A GPA space of 52 bits.
  private static let wide: [Call] = [
    Say.createVM("vm0", 5), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18), Say.initVM("vm0", gpaw: 52),
    Say.createVCPU("vm0", "vcpu0", 3), Say.createVCPU("vm0", "vcpu1", 4),
    Say.setCPUID("vcpu0", gpaw: 52), Say.initVCPU("vcpu0"),
    Say.createMemory("vm0", "gmem0", 0x4000, 3),
    Say.bind("vm0", slot: 5, 0x10_0000_0000, 0x2000, "gmem0", 0x1000),
    Say.attributes("vm0", 0x10_0000_0000, 0x2000, isPrivate: true),
    Say.addMemory("vcpu0", 0x10_0000_0000, pages: 2, isMeasured: true),
    Say.tdx("FINALIZE_VM", "vm0"), Say.preFault("vcpu0", 0x10_0000_0000, 0x2000),
    Say.attributes("vm0", 0x10_0000_1000, 0x1000, isPrivate: false),
    Say.preFault("vcpu0", 0x10_0000_1000, 0x1000), Say.region("vm0", slot: 5, 0, 0),
    Say.close("vcpu0"), Say.close("vm0"), Say.close("gmem0"),
  ]

  /// VMs that are no TDs on a machine that has some.
  private static let otherTypes: [Call] = [
    Say.createVM("vm0", 1), Say.createVM("vm1", 0),
    Say.tdx("CAPABILITIES", "vm0", ["nent": 64]), Say.initVM("vm0"), Say.initVM("vm1"),
    Say.enable("vm0", "SPLIT_IRQCHIP", 0x18), Say.createVCPU("vm0", "vcpu0", 0),
    Say.setCPUID("vcpu0"), Say.initVCPU("vcpu0"), Say.createMemory("vm0", "gmem0", 0x2000, 0),
    Say.createMemory("vm1", "gmem1", 0x1000, 3), Say.bind("vm0", slot: 0, 0, 0x2000, "gmem0", 0),
    Say.region("vm1", slot: 0, 0, 0x2000), Say.region("vm1", slot: 1, 0x2000, 0x1000, flags: 2),
    Say.attributes("vm0", 0, 0x2000, isPrivate: true),
    Say.attributes("vm1", 0, 0x2000, isPrivate: true),
    Say.addMemory("vcpu0", 0, pages: 1, isMeasured: true), Say.tdx("FINALIZE_VM", "vm0"),
    Say.preFault("vcpu0", 0, 0x2000), Say.fallocate("gmem0", Say.punch, 0, 0x1000),
    Say.region("vm1", slot: 0, 0, 0), Say.on("vcpu0", "KVM_GET_REGS"),
    Say.on("vm0", "KVM_MEMORY_ENCRYPT_OP", ["id": 1, "flags": 0, "data": "0x0"]),
    Say.close("vcpu0"), Say.close("vm0"), Say.close("vm1"), Say.close("gmem0"), Say.close("gmem1"),
  ]
}
