import SpecLanguage
import TDXModuleSpecs

/// What comes between while a call looks out for it (kvm-tdx §8.3).
public enum Trouble: EnumDomain {
  case none
  /// A signal; one that kills the process where only such a one is looked for.
  case signal
  /// An allocation fails.
  case noMemory
}

/// Signals and allocations that fail, at the places where KVM looks at them.
extension TDXVM {
  private static let signalName = "signal_pending"
  private static let killableName = "mutex_lock_killable: waits"
  private static let allocationName = "allocates"

  /// A signal comes, or memory runs out, at the very place where that is looked at.
  var troubleComes: Action {
    let what = NamedArgument<Trouble>("what")
    return Action("a signal, or no memory", taking: [what], cites: "kvm-tdx §8.3") {
      Require(signals == 1 || allocations == 1)
      Require(trouble == .none)
      Require(
        what == .signal && signals == 1
          && (at(Self.signalName)
            || at(Self.killableName) && exists(VCPU.self) { w in holding(vcpuMutex[w]) })
          || what == .noMemory && allocations == 1 && at(Self.allocationName)
      ).because("a wait that does not last is not interrupted", "kvm-tdx §2.0")
      trouble <- Expr<Trouble>(what.node)
    }
  }

  /// The call ends with EINTR when a signal is pending.
  @StatementBuilder
  var interruptible: [Statement] { endsBySignal(Self.signalName) }

  /// The same for a wait for a mutex.
  @StatementBuilder
  var killable: [Statement] { endsBySignal(Self.killableName) }

  @StatementBuilder
  private func endsBySignal(_ name: String) -> [Statement] {
    When(signals == 1) {
      Step(name) {
        trouble <- .none
        When(trouble == .signal) { Return(.EINTR) }
      }
    }
  }

  /// An allocation; the call ends with ENOMEM when it fails.
  ///
  /// - Parameter unwinding: what is undone then.
  @StatementBuilder
  func allocates(unwinding: [Statement] = []) -> [Statement] {
    let failed = Local<Bool>("no memory")
    When(allocations == 1) {
      Step(Self.allocationName) {
        trouble <- .none
        failed <- trouble == .noMemory
      }
      When(failed) {
        unwinding
        Return(.ENOMEM)
      }
    }
  }

  /// What a vCPU's descriptor does under vcpu->mutex (kvm-tdx §2.0).
  @StatementBuilder
  func holdingVCPU(@StatementBuilder _ body: () -> [Statement]) -> [Statement] {
    killable
    Holding(vcpuMutex[v]) {
      loadVCPU
      body()
    }
  }
}
