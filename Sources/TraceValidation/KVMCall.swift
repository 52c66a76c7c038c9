/// A recorded call in the words of the spec: the action, and its arguments by name.
struct KVMCall {
  let vm: Int
  let action: String
  var values: [String: Value] = [:]

  /// An argument's value.
  enum Value: Hashable, Sendable {
    /// A case of an enumeration, by name.
    case name(String)
    case flag(Bool)
    /// An element, a set's mask or a number.
    case number(Int)
    /// An element that may be missing.
    case optional(Int?)
  }

  init(_ vm: Int, _ action: String, _ values: [String: Value] = [:]) {
    self.vm = vm
    self.action = action
    self.values = values
  }
}

/// Puts recorded calls into the words of `kvm/tdx`: 64-bit values become the classes that the
/// spec's checks tell apart.
struct KVMCalls {
  let handles: KVMHandles
  let geometry: KVMGeometry

  /// - Parameter closed: whether a descriptor is there.
  /// - Returns: `nil` when nothing of the spec is called.
  /// - Throws: a message when the call is not of the format.
  func call(
    _ step: KVMStep, isOpen: (String) -> Bool
  ) throws(ModuleCallError) -> KVMCall? {
    guard let object = handles.objects[step.on] else {
      throw ModuleCallError("\(step.op): nothing is called '\(step.on)'")
    }
    var call: KVMCall?
    switch object {
    case .device: call = nil
    case .vm(let vm): call = onVM(step, vm, isOpen)
    case .vcpu(let vm, let element):
      call = onVCPU(step, vm, isOpen)
      call?.values["vcpu"] = .number(element)
    case .gmem(let vm, let element):
      call = try onGmem(step, vm, isOpen)
      call?.values["gmem"] = .number(element)
    case .mapping: call = nil
    }
    call?.values["caller"] = .name(step.byChild ? "child" : "owner")
    return call
  }

  // MARK: Descriptors of VMs

  private func onVM(_ step: KVMStep, _ vm: Int, _ isOpen: (String) -> Bool) -> KVMCall? {
    switch step.op {
    case "KVM_CREATE_VM":
      let type = step.number("type")
      return KVMCall(
        vm, step.op,
        [
          "type": .name(type == 5 ? "td" : type == 1 ? "softwareProtected" : "ordinary"),
          "shape": shape([0, 1, 5].contains(type)),
        ])
    case "KVM_ENABLE_CAP": return enableCap(step, vm)
    case "KVM_SET_TSC_KHZ": return KVMCall(vm, step.op, ["shape": shape(true)])
    case "KVM_GET_DIRTY_LOG":
      let isSlot = Self.isSlotNumber(step.number("slot") ?? 0)
      return KVMCall(vm, step.op, ["shape": shape(isSlot)])
    case "KVM_CHECK_EXTENSION":
      return KVMCall(vm, step.op, ["cap": .name(Self.extensionName(step.text("cap")))])
    case "KVM_TDX_CAPABILITIES":
      return command(step, vm, ["nent": Self.room(step, Self.configurableEntries)])
    case "KVM_TDX_INIT_VM": return initVM(step, vm)
    case "KVM_TDX_FINALIZE_VM": return command(step, vm)
    case "KVM_MEMORY_ENCRYPT_OP": return rawOnVM(step, vm)
    case "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_GET_CPUID":
      return command(step, vm, action: "KVM_MEMORY_ENCRYPT_OP")
    case "KVM_CREATE_VCPU":
      var call = KVMCall(vm, step.op, ["id": .number(handles.ids.of(step.number("id") ?? 0))])
      call.values["vcpu"] = .number(handles.element(step.text("new") ?? "") ?? 0)
      return call
    case "KVM_CREATE_GUEST_MEMFD": return createGmem(step, vm)
    case "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_USER_MEMORY_REGION":
      return memoryRegion(step, vm, isOpen)
    case "KVM_SET_MEMORY_ATTRIBUTES": return attributes(step, vm)
    case "close": return KVMCall(vm, close(step, "close(vm)", isOpen))
    default: return KVMCall(vm, step.op)
    }
  }

  /// A child closes a copy, if there was one to inherit.
  func close(_ step: KVMStep, _ action: String, _ isOpen: (String) -> Bool) -> String {
    step.byChild && isOpen(step.on) ? "close(child's copy)" : action
  }

  /// CPUID entries that KVM_TDX_CAPABILITIES reports on the recorded machine.
  static let configurableEntries: UInt64 = 6
  /// CPUID entries of a TD there.
  static let entriesOfTD: UInt64 = 2

  /// Whether so many CPUID entries fit.
  static func room(_ step: KVMStep, _ count: UInt64) -> KVMCall.Value {
    .name((step.number("nent") ?? 0) >= count ? "fine" : "tooSmall")
  }

  func shape(_ isFine: Bool) -> KVMCall.Value { .name(isFine ? "fine" : "malformed") }

  /// A sub-command of KVM_MEMORY_ENCRYPT_OP: its header, and more arguments.
  func command(
    _ step: KVMStep, _ vm: Int, action: String? = nil, _ values: [String: KVMCall.Value] = [:]
  ) -> KVMCall {
    var call = KVMCall(vm, action ?? step.op, values)
    let isClean = (step.number("hw_error") ?? 0) == 0
    let flags = step.number("flags") ?? 0
    call.values["cmd"] = .name(!isClean ? "hardwareError" : flags != 0 ? "flags" : "fine")
    return call
  }

  private func enableCap(_ step: KVMStep, _ vm: Int) -> KVMCall {
    var argument: UInt64 = 0
    if case .list(let list)? = step.arguments["args"] { argument = list.first?.unsigned ?? 0 }
    let flags = step.number("flags") ?? 0
    if step.text("cap") == "KVM_CAP_MAX_VCPU_ID" {
      return KVMCall(
        vm, "KVM_ENABLE_CAP(MAX_VCPU_ID)",
        [
          "shape": shape(argument <= 4096 && flags == 0),
          // 0 asks for no limit.
          "id": .number(argument == 0 ? 7 : handles.ids.of(argument)),
        ])
    }
    let (name, isFine): (String, Bool) =
      switch step.text("cap") {
      case "KVM_CAP_SPLIT_IRQCHIP": ("splitIrqchip", argument <= 4096)
      case "KVM_CAP_EXIT_HYPERCALL" where argument == 0: ("noHypercallExits", true)
      case "KVM_CAP_EXIT_HYPERCALL": ("exitHypercall", argument & ~0x1000 == 0)
      case "KVM_CAP_MAX_VCPUS": ("maxVCPUs", false)
      case "KVM_CAP_X86_APIC_BUS_CYCLES_NS": ("busCycles", argument != 0)
      default: ("other", true)
      }
    return KVMCall(vm, step.op, ["cap": .name(name), "shape": shape(isFine && flags == 0)])
  }

  static func extensionName(_ name: String?) -> String {
    switch name {
    case "KVM_CAP_GUEST_MEMFD": "guestMemfd"
    case "KVM_CAP_MAX_VCPUS": "maxVCPUs"
    case "KVM_CAP_VM_TYPES": "vmTypes"
    case "KVM_CAP_PRE_FAULT_MEMORY": "preFault"
    case "KVM_CAP_MEMORY_ATTRIBUTES": "memoryAttributes"
    case "KVM_CAP_READONLY_MEM": "readOnlyMem"
    case "KVM_CAP_MULTI_ADDRESS_SPACE": "addressSpaces"
    default: "other"
    }
  }

  private func initVM(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let attributes = step.number("attributes") ?? 0
    let xfam = step.number("xfam") ?? 0
    let width = step.number("gpaw")
    let data: String =
      if step.text("data") == "NULL" {
        "unreadable"
      } else if attributes & ~Self.attributes != 0 {
        "attributes"
      } else if xfam & ~Self.xfam != 0 || xfam & Self.xfamFixed != Self.xfamFixed {
        "xfam"
      } else if width != 48, width != 52 {
        "guestPhysicalBits"
      } else {
        "fine"
      }
    return command(
      step, vm, ["init_vm": .name(data), "guest_pa": .name(width == 52 ? "bits52" : "bits48")])
  }

  /// What KVM_TDX_CAPABILITIES reports on the recorded machine.
  private static let attributes: UInt64 = 0x1000_0000
  private static let xfam: UInt64 = 0x207
  private static let xfamFixed: UInt64 = 0x2

  private func rawOnVM(_ step: KVMStep, _ vm: Int) -> KVMCall {
    switch step.number("id") {
    case 0: command(step, vm, action: "KVM_TDX_CAPABILITIES", ["nent": .name("unreadable")])
    case 1:
      command(
        step, vm, action: "KVM_TDX_INIT_VM",
        ["init_vm": .name("unreadable"), "guest_pa": .name("bits48")])
    case 4: command(step, vm, action: "KVM_TDX_FINALIZE_VM")
    default: command(step, vm)
    }
  }

  private func createGmem(_ step: KVMStep, _ vm: Int) -> KVMCall {
    let size = step.number("size") ?? 0
    let flags = step.number("flags") ?? 0
    var call = KVMCall(vm, step.op, ["flag_mmap": .flag(flags & 1 != 0)])
    call.values["gmem"] = .number(handles.element(step.text("new") ?? "") ?? 0)
    let isFine = size > 0 && size % 4096 == 0 && size >> 63 == 0
    call.values["shape"] = shape(isFine && flags & ~3 == 0)
    call.values["init_shared"] = .flag(flags & 2 != 0)
    return call
  }
}
