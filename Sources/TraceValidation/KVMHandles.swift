/// What the handles of a sequence stand for: elements of a VM's sorts.
struct KVMHandles: Sendable {
  /// Something that has a descriptor.
  enum Object: Hashable, Sendable {
    case device
    case vm(Int)
    case vcpu(vm: Int, Int)
    case gmem(vm: Int, Int)
    case mapping(gmem: String)
  }

  private(set) var objects: [String: Object] = ["dev": .device]
  private(set) var vms: [String: Int] = [:]
  let ids: VCPUIDClasses
  /// For each VM: the vCPU of each id, the number of each slot, and how many files there are.
  private var elements: [[UInt64: Int]] = []
  private var slots: [[UInt64: Int]] = []
  private var fileCounts: [Int] = []
  /// The size of each memfd.
  private var sizes: [String: UInt64] = [:]

  /// Gives every handle of a sequence its element.
  init(_ steps: [KVMStep]) {
    ids = VCPUIDClasses(steps)
    for step in steps {
      switch step.op {
      case "KVM_CREATE_VM":
        guard vms[step.on] == nil else { continue }
        let vm = vms.count
        vms[step.on] = vm
        step.text("new").map { objects[$0] = .vm(vm) }
        elements.append([:])
        slots.append([:])
        fileCounts.append(0)
      case "KVM_CREATE_VCPU":
        guard let vm = vm(of: step.on), let new = step.text("new") else { continue }
        objects[new] = .vcpu(vm: vm, id(step.number("id") ?? 0, in: vm))
      case "KVM_CREATE_GUEST_MEMFD":
        guard let vm = vm(of: step.on), let new = step.text("new") else { continue }
        if self.vm(of: new) != vm {
          objects[new] = .gmem(vm: vm, fileCounts[vm])
          fileCounts[vm] += 1
        }
        sizes[new] = step.number("size")
      case "mmap":
        guard let new = step.text("new") else { continue }
        objects[new] = .mapping(gmem: step.on)
      case "KVM_SET_USER_MEMORY_REGION", "KVM_SET_USER_MEMORY_REGION2":
        guard let vm = vm(of: step.on) else { continue }
        _ = slot(step.number("slot") ?? 0, in: vm)
      default: continue
      }
    }
  }

  /// The VM that a handle is one of, or belongs to.
  func vm(of handle: String) -> Int? {
    switch objects[handle] {
    case .vm(let vm), .vcpu(let vm, _), .gmem(let vm, _): vm
    case .mapping(let gmem): vm(of: gmem)
    case .device, nil: nil
    }
  }

  private mutating func id(_ id: UInt64, in vm: Int) -> Int {
    if let known = elements[vm][id] { return known }
    elements[vm][id] = elements[vm].count
    return elements[vm].count - 1
  }

  private mutating func slot(_ slot: UInt64, in vm: Int) -> Int {
    if let known = slots[vm][slot] { return known }
    slots[vm][slot] = slots[vm].count
    return slots[vm].count - 1
  }

  /// The element of a memslot's number.
  func slotElement(_ slot: UInt64, in vm: Int) -> Int { slots[vm][slot] ?? 0 }

  /// Whether some call of the sequence names the memslot.
  func hasSlot(_ slot: UInt64, in vm: Int) -> Bool { slots[vm][slot] != nil }

  func size(of gmem: String) -> UInt64 { sizes[gmem] ?? 0 }

  /// The element of a vCPU or memfd within its VM.
  func element(_ handle: String) -> Int? {
    switch objects[handle] {
    case .vcpu(_, let element), .gmem(_, let element): element
    default: nil
    }
  }

  var mostVCPUs: Int { max(1, elements.map(\.count).max() ?? 1) }
  var mostSlots: Int { max(1, slots.map(\.count).max() ?? 1) }
  var mostFiles: Int { max(1, fileCounts.max() ?? 1) }
}

/// vCPU ids by the limits that matter: an id is below a limit exactly when its class is.
struct VCPUIDClasses: Sendable {
  /// Six, in order; the last is the highest id that KVM takes (kvm-tdx §2.1).
  private let limits: [UInt64]
  private static let usual: [UInt64] = [1, 4, 16, 24, 256, 4096]

  /// Limits that a sequence sets and the usual ones do not have take their place.
  init(_ steps: [KVMStep]) {
    var set: Set<UInt64> = []
    for step in steps where step.text("cap") == "KVM_CAP_MAX_VCPU_ID" {
      if case .list(let list)? = step.arguments["args"], let limit = list.first?.unsigned {
        set.insert(limit)
      }
    }
    set = set.filter { $0 > 0 && $0 < 4096 }
    let own = set.sorted()
    if own.allSatisfy(Self.usual.contains) || own.count > 5 {
      limits = Self.usual
    } else {
      limits = Array(repeating: own[0], count: 5 - own.count) + own + [4096]
    }
  }

  /// The class of an id, or of a limit.
  func of(_ id: UInt64) -> Int { limits.count { $0 <= id } }
}
