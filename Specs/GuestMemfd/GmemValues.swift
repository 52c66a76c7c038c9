import KVMSpecs
import SpecLanguage

/// A mapping of a guest_memfd file in user space.
public enum VMA: Sort { public static var letter: String { "m" } }
/// What a byte of a page can hold besides zero.
public enum Byte: Sort {}
/// A range of user addresses that a memslot's userspace_addr and size name.
public enum HostRange: Sort { public static var letter: String { "h" } }

/// A memslot on its way (guest-memfd §1.1).
public enum SlotLife: EnumDomain {
  case absent
  /// kvm_gmem_bind has put it into the file's bindings; KVM does not see it yet.
  case bound
  case active
  /// Marked KVM_MEMSLOT_INVALID by a deletion under way.
  case invalid
}

/// What a memslot's memory is.
public enum SlotKind: EnumDomain {
  /// userspace_addr alone.
  case host
  /// KVM_MEM_GUEST_MEMFD: private faults come from the file.
  case gmem
  /// The same with KVM's own flag GMEM_ONLY: all faults come from the file.
  case gmemOnly
}

/// A guest_memfd file (guest-memfd §1.1).
public enum FileLife: EnumDomain {
  case none, live
  /// The last reference is gone; kvm_gmem_release is on its way.
  case dying
  case released
  /// The inode is gone too.
  case evicted
}

/// A page of a file in the page cache.
public enum Folio: EnumDomain {
  case absent
  /// Neither zeroed nor marked uptodate.
  case fresh
  case uptodate
  /// Its memory failed: nobody gets it, until a hole is punched there.
  case poisoned
}

/// What a guest page-table entry maps.
public enum SPTE: EnumDomain {
  case none
  case privateFolio, sharedFolio
  /// A page of userspace_addr.
  case host
}

/// A reference that GUP took on a page of a file.
public enum Pin: EnumDomain {
  case none, cached
  /// The page has left the file's page cache and lives on for its holder.
  case detached
}

/// KVM_CAP_SPLIT_IRQCHIP or KVM_CREATE_IRQCHIP.
public enum InterruptChip: EnumDomain { case none, split, full }

/// Flags of a memory region, as the checks tell them apart (guest-memfd §1.4).
public enum SlotFlags: EnumDomain {
  case none, dirtyLog, readOnly, readOnlyDirtyLog, guestMemfd
  /// Unknown or KVM's own bits, or GUEST_MEMFD together with another.
  case refused
}

/// What mmap is asked for, in the order of its checks (guest-memfd §1.4).
public enum MapRequest: EnumDomain { case shared, copyOnWrite, malformed, executable }

/// What fallocate is asked for, in the order of its checks (guest-memfd §1.4).
public enum AllocRequest: EnumDomain {
  case allocate, punchHole
  /// A negative offset or no length: the VFS refuses it.
  case negative
  /// A mode that the file does not have.
  case unsupported
  /// Beyond s_maxbytes.
  case tooBig
  /// Not in whole pages, or beyond the file's end when it allocates.
  case malformed
}

/// Protection of a mapping.
public enum Protection: EnumDomain { case none, read, write }

/// A call on a file that no memfd has an operation for (guest-memfd §1.4).
public enum OtherCall: EnumDomain {
  case stat, truncate, seekOrTransfer, transfer, ioctl
}

/// A vCPU's registers and events, by what answers them.
public enum VCPUCall: EnumDomain {
  /// Read or written whatever the state.
  case plain
  /// The local APIC.
  case lapic
  case smi, cpuid
  /// KVM_SET_SREGS with zeroes.
  case zeroSegments
  /// KVM_MEMORY_ENCRYPT_OP.
  case command
}

extension Outcome {
  /// The access raised a signal.
  static let SIGBUS = Outcome("SIGBUS", kind: .status)
  static let SIGSEGV = Outcome("SIGSEGV", kind: .status)
  static let EFBIG = Outcome("EFBIG", kind: .errno)
}

extension EnumDomain {
  /// The value as an expression.
  var expression: Expr<Self> { Expr(literal) }
}
