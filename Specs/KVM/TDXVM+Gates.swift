import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// The gate of every ioctl on the VM's descriptor (kvm-tdx §2.0).
  var vmGate: Statement { vmGate() }

  /// - Parameter tried: which arguments a scope tries.
  func vmGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("kvm_vm_ioctl: the gate") {
      Require(vmFile != .absent && !exited)
      Require(tried && (arguments == 1 || caller == .owner))
      Check(vmFile == .open, else: .EBADF).because("the descriptor is closed", "kvm-tdx §2.11")
      Check(caller == .owner && !vmDead, else: .EIO)
        .because("another mm, or the VM is dead; read without a lock", "kvm-tdx §2.0")
    }
  }

  /// The gate of every ioctl on a vCPU's descriptor (kvm-tdx §2.0).
  var vcpuGate: Statement { vcpuGate() }

  /// - Parameter tried: which arguments a scope tries.
  func vcpuGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("kvm_vcpu_ioctl: the gate") {
      Require(vcpuFile[v] != .absent && !exited)
      Require(tried && (arguments == 1 || caller == .owner))
      Check(vcpuFile[v] == .open, else: .EBADF)
        .because("the descriptor is closed", "kvm-tdx §2.11")
      Check(caller == .owner && !vmDead, else: .EIO)
        .because("another mm, or the VM is dead; read without a lock", "kvm-tdx §2.0")
    }
  }

  /// tdx_acquire_vm_state_locks around a handler: kvm->lock, every vcpu->mutex, slots_lock
  /// (kvm-tdx §2.2).
  @StatementBuilder
  func guarded(_ handler: Action) -> [Statement] {
    let answer = Local<Outcome>("answer")
    Holding(kvmLock) {
      lockVCPUs
      Holding(slotsLock) { Call(handler, into: answer) }
      ReleaseAll(vcpuMutex)
    }
    Return(answer)
  }

  /// kvm_lock_all_vcpus, which ends with EINTR when the process is killed meanwhile.
  @StatementBuilder
  var lockVCPUs: [Statement] {
    let locked = Local<Outcome>("locked")
    Call(lockAllVCPUs, into: locked)
    When(signals == 1 && locked == .EINTR) {
      ReleaseAll(vcpuMutex)
      Return(.EINTR)
    }
  }

  /// Its caller gives the locks back.
  private var lockAllVCPUs: Action {
    Action("kvm_lock_all_vcpus", cites: "kvm-tdx §3.5") {
      ForEach(ordered: VCPU.self) { w in
        killable
        Acquire(vcpuMutex[w])
      }
    }
  }

  /// Calls that keep the VM's descriptor open while they are under way.
  static let vmIoctls = [
    "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_TDX_FINALIZE_VM",
    "KVM_CREATE_GUEST_MEMFD", "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES",
  ]
  /// Calls that keep a vCPU's descriptor open.
  static let vcpuIoctls = [
    "KVM_SET_CPUID2", "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_GET_CPUID",
    "KVM_PRE_FAULT_MEMORY", "KVM_RUN",
  ]
  /// Calls that keep a memfd open.
  static let gmemCalls = ["fallocate", "KVM_SET_USER_MEMORY_REGION2"]

  /// Another thread is in such a call, on whichever descriptor: a close() that comes now is the
  /// same as one that comes when the call has ended (kvm-tdx §1.7).
  func isUsed(by calls: [String]) -> Condition {
    calls.map { inside($0) }.reduce(Condition(.no)) { $0 || $1 }
  }

  /// The GPA has the TD's shared bit set.
  var isShared: Condition {
    width == .bits48 && bits == .bit47 || width == .bits52 && bits == .bit51
  }

  /// The file's last reference is gone, so that get_file_active fails (kvm-tdx §1.7).
  func isDying(_ g: Expr<File>) -> Condition {
    gmem[g] == .closed && !gmemMapped[g] && !gmemCopy[g]
  }

  /// The page's memfd cannot be got hold of any more.
  func isReleased(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in fileOf[p] == g && isDying(g) }
  }

  /// The page's memslot is bound to the file.
  func isBound(_ p: Expr<Page>, to g: Expr<File>) -> Condition {
    exists(MemSlot.self) { s in slotOf[p] == s && bindings[g].contains(s) }
  }
}
