import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// The gate of every ioctl on the VM's descriptor (kvm-tdx §2.0).
  var vmGate: Statement { vmGate() }

  /// - Parameter tried: which arguments a scope tries.
  func vmGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("kvm_vm_ioctl: the gate") {
      Require(vmFile != .absent)
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
      Require(vcpuFile[v] != .absent)
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
      ForEach(ordered: VCPU.self) { w in Acquire(vcpuMutex[w]) }
      Holding(slotsLock) { Call(handler, into: answer) }
      ReleaseAll(vcpuMutex)
    }
    Return(answer)
  }

  /// KVM_BUG_ON (kvm-tdx §1.6).
  @StatementBuilder
  var kvmBug: [Statement] {
    Step("KVM_BUG_ON") {
      bugged <- true
      vmDead <- true
    }
  }

  /// A SEAMCALL, one step: sc_retry makes it up to ten times while there is no entropy
  /// (kvm-tdx §1.6).
  ///
  /// - Parameters:
  ///   - detail: what tells this call from others of the leaf.
  ///   - effect: what the call does when it succeeds.
  func seamcall(
    _ leaf: Leaf, _ detail: String = "", into status: Local<LeafStatus>, effect: [Statement] = []
  ) -> Statement {
    let kind = failing[leaf.literalExpression]
    let left = failures[leaf.literalExpression]
    return Step(leaf.name + detail) {
      When(left > 0 && kind != .noEntropy) {
        status <- kind
        left <- left - 1
      } else: {
        When(left > 9) {
          status <- .noEntropy
          left <- left - 10
        } else: {
          status <- .success
          left <- 0
          effect
        }
      }
    }
  }

  /// A SEAMCALL that is made again for as long as its operand is busy.
  func insistently(
    _ leaf: Leaf, _ detail: String = "", into status: Local<LeafStatus>, effect: [Statement] = []
  ) -> Statement {
    Repeat(while: status == .operandBusy) {
      seamcall(leaf, detail, into: status, effect: effect)
    }
  }

  /// The GPA has the TD's shared bit set.
  var isShared: Condition {
    width == .bits48 && bits == .bit47 || width == .bits52 && bits == .bit51
  }

  /// The page's file has been closed for good.
  func isReleased(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in fileOf[p] == g && gmemReleased[g] }
  }
}

extension EnumDomain {
  /// The constant, to index a map with.
  var literalExpression: Expr<Self> { Expr(literal) }
}
