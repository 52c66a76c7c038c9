import ConformanceKit

extension Life {
  /// Lives of software-protected VMs, whose vCPUs run.
  static let softwareProtected = [
    life("protected", "kvm-7.3-sw-protected", protected),
    life("protected-files", "kvm-7.3-sw-protected", files(type: 1)),
    life("plain-slots", "kvm-7.3-sw-protected", slots),
    life("chips", "kvm-7.3-sw-protected", chips(type: 1)),
    life("plain-chips", "kvm-7.3-sw-protected", chips(type: 0)),
    life("plain-files", "kvm-7.3-sw-protected", files(type: 0)),
    life("old-slots", "kvm-7.3-sw-protected", oldSlots),
    life("dying", "kvm-7.3-sw-protected", dyingPlain),
  ]

  /// Lives of plain VMs with guest_memfd, on a kernel that has no memory attributes for them.
  static let plain = [
    life("plain", "kvm-6.18-default", files(type: 0)),
    life("plain-slots-6.18", "kvm-6.18-default", slots.filter { !isOfVCPU($0) }),
  ]

  private static func life(_ name: String, _ environment: String, _ calls: [Call]) -> Life {
    Life(name: name, environment: environment, cpus: 2, calls: calls)
  }

  private static func isOfVCPU(_ call: Call) -> Bool {
    call.name == "KVM_CREATE_VCPU" || call.arguments["on"] == "vcpu0"
  }

  /// Registers and events of a vCPU, read and set.
  static func registers(_ vcpu: String) -> [Call] {
    [
      "KVM_GET_REGS", "KVM_SET_REGS", "KVM_GET_SREGS", "KVM_GET_LAPIC", "KVM_SET_LAPIC",
      "KVM_GET_FPU", "KVM_GET_XSAVE", "KVM_GET_XCRS", "KVM_GET_DEBUGREGS",
      "KVM_GET_VCPU_EVENTS", "KVM_GET_MP_STATE", "KVM_NMI",
    ].map { Say.on(vcpu, $0) }
  }

  private static let reset: UInt64 = 0xffff_f000

  private static let protected: [Call] = [
    Say.ask("dev", "VM_TYPES"), Say.createVM("vm0", 1), Say.ask("vm0", "GUEST_MEMFD"),
    Say.ask("vm0", "MEMORY_ATTRIBUTES"), Say.ask("vm0", "PRE_FAULT_MEMORY"),
    Say.ask("vm0", "GUEST_MEMFD_FLAGS"), Say.ask("vm0", "READONLY_MEM"),
    Say.ask("vm0", "MULTI_ADDRESS_SPACE"), Say.ask("vm0", "VM_TYPES"),
    Say.createVCPU("vm0", "vcpu0", 0), Say.createMemory("vm0", "gmem0", 0x6000, 0),
    Say.createMemory("vm0", "gmem1", 0x2000, 3),
    Say.bind("vm0", slot: 0, 0, 0x2000, "gmem0", 0),
    Say.bind("vm0", slot: 1, 0x20_0000, 0x3000, "gmem0", 0x2000),
    Say.bind("vm0", slot: 2, 0x40_0000, 0x2000, "gmem1", 0),
    Say.region("vm0", slot: 3, reset, 0x1000),
    Say.preFault("vcpu0", 0, 0x1000), Say.preFault("vcpu0", 0x40_0000, 0x2000),
    Say.attributes("vm0", 0, 0x1000, isPrivate: true),
    Say.attributes("vm0", 0x20_0000, 0x2000, isPrivate: true),
    Say.preFault("vcpu0", 0, 0x2000), Say.preFault("vcpu0", 0x20_0000, 0x3000),
    Say.preFault("vcpu0", 0x80_0000, 0x1000),
    Say.fallocate("gmem0", Say.punch, 0x2000, 0x1000), Say.on("gmem0", "fstat"),
    Say.preFault("vcpu0", 0x20_0000, 0x1000),
    Say.attributes("vm0", 0x20_0000, 0x1000, isPrivate: false),
    Say.preFault("vcpu0", 0x20_0000, 0x2000), Say.on("vcpu0", "KVM_RUN"),
    Say.attributes("vm0", reset, 0x1000, isPrivate: true), Say.on("vcpu0", "KVM_RUN"),
    Say.attributes("vm0", reset, 0x1000, isPrivate: false),
    Say.region("vm0", slot: 1, 0, 0), Say.preFault("vcpu0", 0x20_0000, 0x1000),
    Say.bind("vm0", slot: 1, 0x30_0000, 0x2000, "gmem0", 0x3000),
    Say.attributes("vm0", 0x30_0000, 0x2000, isPrivate: true),
    Say.preFault("vcpu0", 0x30_0000, 0x2000), Say.close("gmem0"),
    Say.preFault("vcpu0", 0x30_1000, 0x1000), Say.region("vm0", slot: 1, 0, 0),
    Say.on("vcpu0", "KVM_GET_REGS"), Say.on("vcpu0", "KVM_GET_MP_STATE"),
    Say.on("vcpu0", "KVM_SET_MP_STATE", ["mp_state": 0]),
    Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]), Say.on("vm0", "KVM_CREATE_IRQCHIP"),
    Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
    Say.on("vm0", "KVM_MEMORY_ENCRYPT_OP", ["id": 1, "flags": 0, "data": "0x0"]),
    Say.close("vm0"), Say.preFault("vcpu0", 0x40_0000, 0x1000), Say.close("vcpu0"),
    Say.close("gmem1"),
  ]

  /// What else a VM and its vCPUs are asked for: limits, interrupt controllers, registers.
  private static func chips(type: Int64) -> [Call] {
    [
      Say.createVM("vm0", type), Say.createVM("vm1", type),
      Say.enable("vm0", "MAX_VCPU_ID", 4), Say.enable("vm0", "EXIT_HYPERCALL", 0x1000),
      Say.enable("vm0", "MAX_VCPUS", 1), Say.enable("vm1", "SPLIT_IRQCHIP", 0x18),
      Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 2_000_000]),
      Say.on("vm0", "KVM_CREATE_IRQCHIP"), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
      Say.createVCPU("vm0", "vcpu0", 3), Say.createVCPU("vm1", "vcpu1", 16),
      Say.createVCPU("vm0", "vcpu2", 0),
      Say.on("vcpu0", "KVM_SET_MP_STATE", ["mp_state": 0]),
      Say.on("vcpu1", "KVM_SET_MP_STATE", ["mp_state": 1]),
      Say.region("vm0", slot: 0, 0, 0x1000), Say.attributes("vm0", 0, 0x1000, isPrivate: true),
      Say.preFault("vcpu0", 0, 0x1000), Say.preFault("vcpu2", 0x1000, 0x1000),
      Say.createMemory("vm1", "gmem0", 0x1000, 0), Say.bind("vm1", slot: 0, 0, 0x1000, "gmem0", 0),
    ] + registers("vcpu0") + registers("vcpu1") + [
      Say.close("vcpu0"), Say.close("gmem0"), Say.preFault("vcpu1", 0, 0x1000),
      Say.close("vm0"), Say.close("vcpu2"), Say.on("vcpu1", "KVM_SMI"),
      Say.preFault("vcpu1", 0, 0x1000), Say.close("vcpu1"), Say.close("vm1"),
    ]
  }

  /// Memslots of user memory: read-only, logged, moved, their flags changed.
  private static let slots: [Call] = [
    Say.createVM("vm0", 0), Say.createVCPU("vm0", "vcpu0", 0),
    Say.region("vm0", slot: 0, 0, 0x2000), Say.region("vm0", slot: 0, 0, 0x2000),
    Say.region("vm0", slot: 1, 0x10_0000, 0x1000, flags: 2),
    Say.region("vm0", slot: 2, 0x20_0000, 0x1000, flags: 1),
    Say.preFault("vcpu0", 0, 0x1000), Say.preFault("vcpu0", 0x10_0000, 0x1000),
    Say.region("vm0", slot: 0, 0x30_0000, 0x2000), Say.preFault("vcpu0", 0, 0x1000),
    Say.preFault("vcpu0", 0x30_0000, 0x2000),
    Say.region("vm0", slot: 0, 0x30_0000, 0x2000, flags: 1),
    Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]),
    Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 1]),
    Say.region("vm0", slot: 0, 0x10_0000, 0x2000), Say.region("vm0", slot: 3, 0, 0x1000),
    Say.attributes("vm0", 0, 0x1000, isPrivate: true), Say.on("vcpu0", "KVM_RUN"),
    Say.region("vm0", slot: 3, 0, 0), Say.region("vm0", slot: 2, 0, 0),
    Say.createMemory("vm0", "gmem0", 0x1000, 3), Say.bind("vm0", slot: 2, 0, 0x1000, "gmem0", 0),
    Say.bind("vm0", slot: 2, 0, 0x1000, "gmem0", 0), Say.preFault("vcpu0", 0, 0x1000),
    Say.close("gmem0"), Say.preFault("vcpu0", 0, 0x1000), Say.close("vcpu0"), Say.close("vm0"),
  ]

  /// Memslots of the older call, which also deletes those with a memfd.
  private static let oldSlots: [Call] = [
    Say.createVM("vm0", 1), Say.createVCPU("vm0", "vcpu0", 0),
    Say.oldRegion("vm0", slot: 0, 0, 0x2000), Say.oldRegion("vm0", slot: 0, 0, 0x2000),
    Say.oldRegion("vm0", slot: 1, 0x10_0000, 0x1000, flags: 2),
    Say.oldRegion("vm0", slot: 0, 0x20_0000, 0x2000), Say.preFault("vcpu0", 0, 0x1000),
    Say.preFault("vcpu0", 0x20_0000, 0x1000),
    Say.createMemory("vm0", "gmem0", 0x2000, 0), Say.bind("vm0", slot: 2, 0, 0x2000, "gmem0", 0),
    Say.attributes("vm0", 0, 0x2000, isPrivate: true), Say.preFault("vcpu0", 0, 0x2000),
    Say.oldRegion("vm0", slot: 2, 0, 0), Say.preFault("vcpu0", 0, 0x1000),
    Say.bind("vm0", slot: 3, 0x30_0000, 0x2000, "gmem0", 0),
    Say.oldRegion("vm0", slot: 0, 0x20_0000, 0x2000, flags: 1),
    Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]), Say.oldRegion("vm0", slot: 0, 0x20_0000, 0),
    Say.preFault("vcpu0", 0x20_0000, 0x1000), Say.close("gmem0"), Say.close("vcpu0"),
    Say.close("vm0"),
  ]

  /// A vCPU enters SMM without memory for it; then the VM is dead, and is asked everything.
  private static let dyingPlain: [Call] =
    [
      Say.createVM("vm0", 1), Say.createVCPU("vm0", "vcpu0", 0),
      Say.createMemory("vm0", "gmem0", 0x3000, 1), Say.map("map0", "gmem0", 0, 0x1000),
      Say.bind("vm0", slot: 0, 0, 0x2000, "gmem0", 0),
      Say.attributes("vm0", 0, 0x1000, isPrivate: true), Say.preFault("vcpu0", 0, 0x1000),
      Say.tdx("FINALIZE_VM", "vm0"), Say.on("vcpu0", "KVM_SMI"), Say.on("vcpu0", "KVM_RUN"),
      Say.on("vcpu0", "KVM_RUN"), Say.preFault("vcpu0", 0, 0x1000),
      Say.on("vcpu0", "KVM_SET_MP_STATE", ["mp_state": 0]), Say.setCPUID("vcpu0"),
    ] + registers("vcpu0") + [
      Say.tdx("CAPABILITIES", "vm0", ["nent": 64]), Say.initVM("vm0"),
      Say.tdx("FINALIZE_VM", "vm0"), Say.raw("vm0", 1), Say.createVCPU("vm0", "vcpu1", 1),
      Say.createMemory("vm0", "gmem1", 0x1000, 0), Say.enable("vm0", "EXIT_HYPERCALL", 0x1000),
      Say.enable("vm0", "MAX_VCPU_ID", 4), Say.enable("vm0", "SPLIT_IRQCHIP", 0x18),
      Say.on("vm0", "KVM_CREATE_IRQCHIP"), Say.on("vm0", "KVM_SET_TSC_KHZ", ["khz": 1_000_000]),
      Say.on("vm0", "KVM_GET_DIRTY_LOG", ["slot": 0]), Say.ask("vm0", "READONLY_MEM"),
      Say.bind("vm0", slot: 1, 0x10_0000, 0x1000, "gmem0", 0x2000),
      Say.oldRegion("vm0", slot: 2, 0x20_0000, 0x1000), Say.region("vm0", slot: 0, 0, 0),
      Say.attributes("vm0", 0, 0x1000, isPrivate: false), Say.on("gmem0", "fstat"),
      Say.touch("map0", 0), Say.fallocate("gmem0", Say.punch, 0, 0x1000),
      Say.on("map0", "munmap"), Say.close("gmem0"), Say.close("vcpu0"), Say.close("vm0"),
    ]

  /// Files, mappings of them and what is read there.
  private static func files(type: Int64) -> [Call] {
    [
      Say.createVM("vm0", type), Say.createVM("vm1", type),
      Say.createMemory("vm0", "gmem0", 0x4000, 3), Say.createMemory("vm0", "gmem1", 0x2000, 1),
      Say.createMemory("vm1", "gmem2", 0x2000, 0), Say.on("gmem0", "fstat"),
      Say.map("map0", "gmem0", 0, 0x4000), Say.map("map1", "gmem1", 0, 0x2000),
      Say.map("map2", "gmem2", 0, 0x1000), Say.touch("map0", 0),
      Say.touch("map0", 0, writes: 7), Say.touch("map0", 0x1000, writes: 9),
      Say.touch("map0", 0), Say.touch("map1", 0), Say.fallocate("gmem0", Say.punch, 0, 0x1000),
      Say.touch("map0", 0), Say.touch("map0", 0x1000),
      Say.bind("vm0", slot: 0, 0, 0x2000, "gmem0", 0x1000),
      Say.bind("vm0", slot: 1, 0x10_0000, 0x1000, "gmem0", 0x2000),
      Say.bind("vm0", slot: 2, 0x10_0000, 0x1000, "gmem0", 0x3000, hva: "map0+0x3000"),
      Say.bind("vm1", slot: 0, 0, 0x1000, "gmem0", 0),
      Say.bind("vm1", slot: 0, 0, 0x1000, "gmem2", 0),
      Say.touch("map0", 0x3000, writes: 5), Say.fallocate("gmem0", "KEEP_SIZE", 0, 0x4000),
      Say.touch("map0", 0x3000), Say.on("gmem0", "ftruncate", ["size": "0x1000"]),
      Say.on("gmem0", "pread", ["offset": "0x0"]), Say.on("gmem0", "pwrite", ["offset": "0x0"]),
      Say.region("vm0", slot: 0, 0, 0), Say.touch("map0", 0x1000),
      Say.attributes("vm0", 0, 0x1000, isPrivate: true), Say.close("gmem0"),
      Say.touch("map0", 0x1000), Say.on("map0", "munmap"), Say.close("vm0"),
      Say.on("gmem1", "fstat"),
      Say.fallocate("gmem1", Say.punch, 0, 0x2000), Say.on("map1", "munmap"), Say.close("gmem1"),
      Say.close("gmem2"), Say.close("vm1"),
    ]
  }
}
