/// KVM's side of a VM that can be protected (s390-pv §1.3).
final class ProtectedMachine {
  enum Notifier {
    case none
    case registered
    case fired
  }

  /// A guest that was set aside. Without a handle its configuration is gone, and only pages are
  /// left.
  struct Leftover {
    var handle: Int?
    var base: Int?
    var variable: Int?
    var table: Int?
  }

  var handle: Int?
  var base: Int?
  var variable: Int?
  /// The top-level table of the guest.
  var table: Int
  var aside: Leftover?
  var needCleanup: [Leftover] = []
  var notifier = Notifier.none
  var isDumping = false
  /// Calls on the way; each holds the file.
  var users = 0
  var isClosed = false
  var isGone = false
  let vcpus: [ProtectedCPU]
  let lock = KernelLock("kvm->lock")
  let importLock = KernelLock("import_lock")
  let mmuLock = KernelLock("mmu_lock")
  let slotsLock = KernelLock("slots_lock")

  init(table: Int, vcpus: Int) {
    self.table = table
    self.vcpus = (0..<vcpus).map { ProtectedCPU($0) }
  }

  var isProtected: Bool { handle != nil }
}

/// A vCPU of it.
final class ProtectedCPU {
  let number: Int
  /// The handle of the secure CPU; nil for an ordinary one.
  var handle: Int?
  var storage: Int?
  /// The page for data of instructions that the host carries out.
  var dataPage: Int?
  let mutex = KernelLock("vcpu->mutex")

  init(_ number: Int) { self.number = number }
}
