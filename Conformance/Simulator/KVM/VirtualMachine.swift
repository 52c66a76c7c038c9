/// A VM: `struct kvm` with its TDX part (kvm-tdx §1.1).
final class VirtualMachine {
  let type: MachineType
  /// The process that made it.
  let owner: Int
  /// Descriptors and memfd files that hold it.
  var users = 1
  var isDead = false
  /// How many vCPUs deal with a fault: what they have looked up of memslots is waited for (SRCU).
  var faults = 0
  /// What KVM found broken; it is dead then, too.
  var bug: String?

  let lock = KernelLock("kvm->lock")
  let slotsLock = KernelLock("slots_lock")
  let mmuLock = KernelLock("mmu_lock")

  var vcpus: [VirtualCPU] = []
  var mostVCPUs: Int
  /// The limit of vCPU ids; 0 before it is set.
  var mostIDs = 0
  var irqchip = IRQChip.none
  var slots: [Int: MemorySlot] = [:]
  var privateFrames = IntervalSet()
  /// Invalidations that have begun and not ended, and how many have ended.
  var invalidations = 0
  var invalidationSequence: UInt64 = 0
  var td = TrustDomainRecord()
  /// The hypercalls that leave to user space.
  var hypercallExits: UInt64 = 0
  /// Frames mapped for shared accesses.
  var directFrames: [UInt64: UInt64] = [:]

  enum IRQChip: Hashable {
    case none
    case split
    case kernel
  }

  init(type: MachineType, owner: Int, mostVCPUs: Int) {
    self.type = type
    self.owner = owner
    self.mostVCPUs = mostVCPUs
  }

  func slot(at frame: UInt64, space: Int = 0) -> MemorySlot? {
    slots.values.first { $0.id >> 16 == space && $0.contains(frame) }
  }
}

/// What KVM records of a TD (kvm-tdx §1.1, §1.5).
struct TrustDomainRecord {
  enum State: UInt8, Hashable {
    case uninitialized
    case initialized
    case runnable
  }

  var state = State.uninitialized
  /// Positive while a key id is assigned.
  var hkid = 0
  var isAssigned: Bool { hkid > 0 }
  var tdr: UInt64?
  var controlPages: [UInt64] = []
  /// The guest frame's bit that makes it shared; 0 before INIT_VM.
  var sharedBit: UInt64 = 0
  var rootLevel = 3
  /// Private pages by guest frame: the mirror.
  var mirror: [UInt64: UInt64] = [:]
  /// Tables given to the module.
  var tables: [TablePlace: UInt64] = [:]
  /// vCPUs must not enter while pages are removed.
  var waitsForZap = false
  var allowsPrefault = false

  struct TablePlace: Hashable {
    let level: Int
    let number: UInt64
  }
}

/// A vCPU (kvm-tdx §1.2).
final class VirtualCPU {
  let id: Int
  /// Where it stands among the VM's vCPUs.
  let index: Int
  let machine: VirtualMachine
  let mutex = KernelLock("vcpu->mutex")
  /// INIT_VCPU has succeeded.
  var isInitialized = false
  var page: UInt64?
  var extraPages: [UInt64] = []
  /// The LP on whose list it is.
  var lp: Int?
  var hasX2APIC = false
  /// The width that its CPUID claims; nil when it says nothing.
  var width: Int?
  var hasRun = false
  /// 0 runs; others wait for an interrupt or for being started.
  var mpState: Int
  /// It is about to enter the guest, or in it: who removes pages makes it leave, and waits.
  var isInGuestMode = false
  /// It was sent an interrupt to make it leave.
  var isKicked = false
  /// Mapped roots were loaded.
  var hasRoot = false
  /// SMM was asked for, which nothing backs.
  var hasPendingSMI = false
  var registers = PlainRegisters()
  var pending: PendingExit?
  /// What user space answers to a hypercall.
  var hypercallResult: UInt64 = 0

  /// A hypercall that is made piece by piece.
  struct PendingExit {
    var next: UInt64
    var end: UInt64
    var attributes: UInt64
  }

  init(id: Int, index: Int, machine: VirtualMachine) {
    self.id = id
    self.index = index
    self.machine = machine
    mpState = id == 0 ? 0 : 1
  }
}
