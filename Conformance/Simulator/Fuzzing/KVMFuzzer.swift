import ConformanceKit

/// Makes calls of KVM at random, mostly ones that fit the objects there may be.
public struct KVMFuzzer {
  private var random: SplitMix

  public init(seed: UInt64) { random = SplitMix(seed: seed) }

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int(random.next() % UInt64(values.count))]
  }

  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  private mutating func number(_ values: [UInt64]) -> Value {
    let word = chance(94) ? pick(values) : pick([1, 0xFFF, 1 << 47, 1 << 52, 1 << 63, .max, 7])
    return .text("0x" + String(word, radix: 16))
  }

  private static let onDevice = ["KVM_CREATE_VM", "KVM_CHECK_EXTENSION"]
  private static let onMachine = [
    "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD",
    "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES",
    "KVM_TDX_FINALIZE_VM", "KVM_CREATE_IRQCHIP", "KVM_SET_TSC_KHZ", "KVM_GET_DIRTY_LOG",
    "KVM_TDX_CAPABILITIES", "KVM_SET_USER_MEMORY_REGION", "KVM_MEMORY_ENCRYPT_OP",
  ]
  private static let onVCPU = [
    "KVM_SET_CPUID2", "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_RUN",
    "KVM_PRE_FAULT_MEMORY", "KVM_TDX_GET_CPUID", "KVM_SET_MP_STATE", "KVM_GET_REGS", "KVM_SMI",
    "KVM_TDX_INIT_MEM_REGION", "KVM_SET_SREGS",
  ]
  private static let onMemory = ["fallocate", "mmap", "fstat", "ftruncate", "pread", "fallocate"]

  /// The next call; what it names may not be there.
  public mutating func next() -> Call {
    let number = chance(90) ? 0 : 1
    switch random.next() % 100 {
    case 0..<6: return call(pick(Self.onDevice), on: "dev")
    case 6..<50: return call(pick(Self.onMachine), on: "vm\(number)")
    case 50..<75: return call(pick(Self.onVCPU), on: "vcpu\(number)")
    case 75..<88: return call(pick(Self.onMemory), on: "gmem\(number)")
    case 88..<91: return call("close", on: pick(["vm0", "vcpu0", "gmem0", "gmem1", "vm1"]))
    case 91..<92: return Call("exit")
    case 92..<94: return call("munmap", on: "map\(number)")
    case 94..<97: return call("touch", on: "map\(number)")
    default: return failure()
    }
  }

  private mutating func failure() -> Call {
    Call(
      "standin_fail",
      [
        "leaf": .text("TDH." + pick(Leaf.allCases).text), "count": .integer(1),
        "status": pick(["0x8000020000000000", "0xc000010000000001", "0x8000020300000000"]),
      ])
  }

  private mutating func call(_ name: String, on object: String) -> Call {
    var call = Call(name, ["on": .text(object)])
    call.arguments["new"] = .text(newName(name))
    call.arguments["type"] = pick([5, 5, 5, 1, 0, 9])
    call.arguments["cap"] = pick(["KVM_CAP_SPLIT_IRQCHIP", "KVM_CAP_MAX_VCPU_ID", "KVM_CAP_X"])
    call.arguments["args"] = .list([number([0x18, 4]), 0])
    call.arguments["flags"] = flags(name)
    call.arguments["attributes"] = name == "KVM_TDX_INIT_VM" ? number([1 << 28]) : number([0, 8])
    call.arguments["xfam"] = number([3])
    call.arguments["gpaw"] = pick([48, 48, 52])
    call.arguments["id"] = name == "KVM_CREATE_VCPU" ? pick([0, 1, 2]) : pick([0, 3, 6])
    call.arguments["x2apic"] = .flag(chance(95))
    call.arguments["size"] = number([0x1000, 0x4000, 0x20_0000, 0])
    call.arguments["slot"] = number([0, 1, 0x1_0000])
    call.arguments["gpa"] = number([0, 0x1000, 0x20_0000, 0xFFFF_F000])
    call.arguments["hva"] = "buf+0x0"
    call.arguments["gmem"] = pick(["gmem0", "gmem1", "vm0"])
    call.arguments["gmem_offset"] = number([0, 0x1000])
    call.arguments["nr_pages"] = number([1, 2])
    call.arguments["source"] = "buf+0x1000"
    call.arguments["nent"] = pick([6, 100, 0])
    call.arguments["khz"] = number([0, 2_000_000])
    call.arguments["mp_state"] = pick([0, 0, 1])
    call.arguments["offset"] = number([0, 0x1000])
    call.arguments["len"] = number([0x1000, 0x4000])
    call.arguments["prot"] = pick(["READ|WRITE", "READ", "NONE"])
    call.arguments["mode"] = pick(["KEEP_SIZE", "PUNCH_HOLE|KEEP_SIZE", "0", "COLLAPSE_RANGE"])
    call.arguments["write"] = .flag(chance(50))
    call.arguments["value"] = 7
    if chance(3) { call.arguments["by"] = "child" }
    return call
  }

  private mutating func flags(_ name: String) -> Value {
    switch name {
    case "KVM_SET_USER_MEMORY_REGION2": number([4, 4, 4, 0, 1])
    case "KVM_CREATE_GUEST_MEMFD": number([0, 1, 3])
    case "KVM_TDX_INIT_MEM_REGION": number([0, 1])
    case "mmap": pick(["SHARED", "PRIVATE"])
    default: number([0])
    }
  }

  private mutating func newName(_ name: String) -> String {
    let number = chance(85) ? 0 : 1
    return switch name {
    case "KVM_CREATE_VM": "vm\(number)"
    case "KVM_CREATE_VCPU": "vcpu\(number)"
    case "mmap": "map\(number)"
    default: "gmem\(number)"
    }
  }
}
