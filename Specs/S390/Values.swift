import SpecLanguage

/// A secure configuration: a generation of the guest, and the handle by which the Ultravisor knows
/// it. It is given out again once both the Ultravisor and the host are done with it.
public enum Config: Sort {
  public static var letter: String { "h" }
}

/// A thread of the kernel that cleans up after a guest; in the design of 2021 only.
public enum Cleaner: Role {}

/// Whether the host can access a page (s390-pv §1.4).
public enum Security: EnumDomain {
  /// Anybody can.
  case open
  /// Only its owner can.
  case secure
  /// Its owner has shared it with the host.
  case shared
  /// Nobody can: its owner is gone, by a fast destroy.
  case orphaned
}

/// Where the memory behind an address of the guest is.
public enum Place: EnumDomain {
  /// Nowhere: swapped out, unmapped, or not yet touched. What was there is somebody else's now.
  case away
  case mapped
  /// Kept by a reference, mapped by nobody; in the design of 2021 only.
  case listed
  /// Kept by a reference that nobody will drop.
  case lost
}

/// Who in the host has to do with a configuration (s390-pv §1.3).
public enum Holder: EnumDomain {
  case none
  /// The VM: it is the guest that runs, or shall run.
  case vm
  /// Set aside, nobody has begun to clean up.
  case aside
  /// A call or a thread cleans up.
  case cleaned
  /// On the list of those whose clean-up was interrupted.
  case waiting
  /// Nobody: its destruction failed.
  case lost
}

/// The address space of the VMM.
public enum AddressSpace: EnumDomain {
  case alive
  /// Its process is gone, a thread of the kernel still uses it; in the design of 2021 only.
  case kept
  /// Its last user is gone, exit_mmap runs.
  case exiting
  case gone
}

/// The life of the VM, as its file descriptors have it.
public enum VMLife: EnumDomain {
  case open
  case destroying
  case gone
}

/// The one call of the Ultravisor that may fail in a run.
public enum Failure: EnumDomain {
  /// It may fail yet.
  case possible
  /// The next call fails.
  case armed
  /// It has failed, or none shall.
  case spent
}

/// A call of the Ultravisor that may fail (s390-pv §1.4).
public enum UltravisorCall: EnumDomain {
  case createConfig, createCPU, destroyCPU, destroyConfig, destroyFast
}

/// What the host allocates for a guest, and may not get (s390-pv §3.2).
public enum Allocation: EnumDomain {
  case notifier
  /// What the Ultravisor asks for.
  case storage
  case record
  /// Another top-level table.
  case table
  /// The header of SET_SEC_PARMS, the buffer of a dump.
  case buffer
  /// What the design of 2021 has besides.
  case cleaner
}

/// Why a guest leaves SIE when it touches a page (s390-pv §1.6).
public enum GuestFault: EnumDomain {
  case none
  /// 0x3d or 0x3f: the page is secure, and not the guest's.
  case foreign
  /// 0x3e: the page is not secure.
  case open
}

extension Outcome {
  /// 0 with rc 0x0001 and rrc 42: nothing of the Ultravisor's is passed on (s390-pv §1.2).
  static let executed = Outcome("0, rc 1 rrc 42", kind: .success)
  /// The thread that runs the vCPU gets a signal.
  static let segfault = Outcome("SIGSEGV", kind: .errno)
}

/// The VM's MMU notifier: it is told when the last user of the mm goes (s390-pv §1.13).
public enum Notifier: EnumDomain {
  case none
  case registered
  case fired
}
