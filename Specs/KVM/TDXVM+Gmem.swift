import SpecLanguage
import TDXModuleSpecs

private let mappable = NamedArgument<Bool>("flag_mmap")
private let initShared = NamedArgument<Bool>("init_shared")
private let mode = NamedArgument<FallocateMode>("mode")
private let extent = NamedArgument<SetOf<FileIndex>>("extent")
private let isSharedMapping = NamedArgument<Bool>("map_shared")

extension TDXVM {
  /// KVM_CREATE_GUEST_MEMFD (kvm-tdx §2.8).
  var createGmem: Action {
    Action(
      "KVM_CREATE_GUEST_MEMFD", taking: [caller, f, shape, mappable, initShared],
      by: HostThread.self,
      cites: "kvm-tdx §2.8"
    ) {
      vmGate(trying: gmem[f] == .absent)
      allocates()
      Step("kvm_gmem_create") {
        Check(shape == .fine, else: .EINVAL).because("flags, size", "kvm-tdx §2.8")
        Check(!initShared || kind == .ordinary, else: .EINVAL)
          .because("INIT_SHARED is refused for VMs with private memory", "kvm-tdx §2.1")
        gmem[f] <- .open
        gmemCanMap[f] <- Expr<Bool>(mappable.node)
      }
    }
  }

  /// A call on a memfd: from any mm, and also when the VM is dead (kvm-tdx §1.6).
  private var gmemGate: Statement { gmemGate() }

  /// - Parameter tried: whether a scope makes the call.
  private func gmemGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("fdget") {
      Require(tried && gmem[f] != .absent && !exited)
      Check(gmem[f] == .open, else: .EBADF).because("the descriptor is closed", "kvm-tdx §2.11")
    }
  }

  /// fallocate (kvm-tdx §2.9).
  var fallocate: Action {
    Action(
      "fallocate", taking: [f, mode, shape, extent], by: HostThread.self, cites: "kvm-tdx §2.9"
    ) {
      gmemGate
      Step("kvm_gmem_fallocate") {
        Check(mode != .unsupported, else: .EOPNOTSUPP).because("the mode", "kvm-tdx §2.9")
        Check(shape == .fine, else: .EINVAL)
          .because("alignment, or beyond the file's end", "kvm-tdx §2.9")
      }
      When(mode == .punchHole) {
        Holding(invalidateLock[f]) {
          invalidate(
            { p in
              isBound(p, to: f.element)
                && exists(FileIndex.self) { i in
                  extent.contains(i) && indexOf[p] == i
                }
            },
            change: Statements {
              Step("truncates: the folios go back to the host") {
                Each(FileIndex.self) { i in
                  When(extent.contains(i)) { hasFolio[f, i] <- false }
                }
              }
              .because("whether or not the removal succeeded", "kvm-tdx §2.9")
            })
        }
      } else: {
        interruptible
        allocates()
        Step("the folios are there") {
          Each(FileIndex.self) { i in When(extent.contains(i)) { hasFolio[f, i] <- true } }
        }
      }
    }
  }

  /// fstat, ftruncate, pread, pwrite: nothing of a memfd changes by them (kvm-tdx §2.8).
  var onGmem: Action {
    let call = NamedArgument<FileCall>("call")
    return Action(
      "file call", taking: [f, call], by: HostThread.self, cites: "kvm-tdx §2.8"
    ) {
      gmemGate
      Step("the file's operations") {
        Check(call != .setSize, else: .EINVAL).because("i_size is immutable", "kvm-tdx §2.8")
        Check(call != .readWrite, else: Outcome.ESPIPE).because("no file position")
      }
    }
  }

  /// mmap of a memfd (kvm-tdx §2.9).
  var mapGmem: Action {
    Action(
      "mmap", taking: [f, isSharedMapping], by: HostThread.self, cites: "kvm-tdx §2.9"
    ) {
      gmemGate(trying: environment == 1)
      Step("kvm_gmem_mmap") {
        Check(gmemCanMap[f], else: .ENODEV).because("no flag MMAP", "kvm-tdx §2.9")
        Check(isSharedMapping, else: .EINVAL).because("no shared mapping", "kvm-tdx §2.9")
        gmemMapped[f] <- true
      }
    }
  }

  /// munmap of the last mapping of a memfd.
  var unmapGmem: Action {
    Action("munmap", taking: [f], by: HostThread.self, cites: "kvm-tdx §1.7") {
      Step("unmaps") {
        Require(gmemMapped[f] && !exited)
        gmemMapped[f] <- false
      }
      releaseGmem(f.element)
    }
  }

  /// close() of a memfd (kvm-tdx §2.9).
  var closeGmem: Action {
    Action("close(gmem)", taking: [f], by: HostThread.self, cites: "kvm-tdx §2.9") {
      Step("close") {
        Require(gmem[f] != .absent && !exited && !isUsed(by: Self.gmemCalls))
        Check(gmem[f] == .open, else: .EBADF)
        gmem[f] <- .closed
      }
      releaseGmem(f.element)
    }
  }

  /// kvm_gmem_release, when the last reference to the file goes (kvm-tdx §2.9).
  @StatementBuilder
  func releaseGmem(_ g: Expr<File>) -> [Statement] {
    let last = Local<Bool>("last reference")
    Step("fput") { last <- isDying(g) && !gmemReleased[g] }
    When(last) {
      Holding(slotsLock) {
        Holding(invalidateLock[g]) {
          invalidate { p in isBound(p, to: g) }
          Step("xa_destroy of the bindings") { bindings[g] <- .empty }
        }
      }
      Step("the inode is evicted") {
        gmemReleased[g] <- true
        Each(FileIndex.self) { i in hasFolio[g, i] <- false }
      }
      dropReference
    }
  }

  /// A child closes its copy of a descriptor, which holds nothing up (kvm-tdx §1.7).
  var childCloses: Action {
    Action("close(child's copy)", by: HostThread.self, cites: "kvm-tdx §1.7") { Return(.ok) }
  }
}

/// A call on a memfd that is no ioctl.
public enum FileCall: EnumDomain { case stat, setSize, readWrite }
