import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// KVM_PV_ENABLE (s390-pv §1.11).
extension ProtectedVM {
  static let allocatesStorage = "allocates what the Ultravisor asks for"
  static let counts = "protected_count goes up"
  static let enableEnds = "ENABLE returns 0"

  /// Creates a configuration and its CPUs; any failure is rolled back.
  ///
  /// - Parameters:
  ///   - atStart: what a design prepares, such as the notifier.
  ///   - rollback: how the configuration goes again when a CPU could not be created.
  func enable(atStart: [Statement], rollback: [Statement]) -> Action {
    Action(
      Self.enableName, by: HostThread.self, cites: "s390-pv §1.11", "s390-pv §1.9"
    ) {
      gate
      Holding(kvmLock) {
        Step("is the VM protected?") { Check(handle == nil, else: .EINVAL) }
        atStart
        Step(Self.allocatesStorage) {
          allocates(
            .storage, Statements { layoutChanged <- false }, failing: Statements { Return(.ENOMEM) }
          )
        }
        ForEach(Config.self) { h in
          When(handle == nil && isFree(h)) { Step(Ultravisor.createConfig) { creates(h) } }
        }
        When(handle == nil) { Return(.EIO) }
        Step(Self.counts) { count <- choose(isCounted, count + 1, else: Expr<Int>(1.literal)) }
        ForEach(VCPU.self) { v in
          Holding(vcpuMutex[v]) {
            Step(Ultravisor.createCPU) { When(!failed) { createsCPU(v) } }
          }
        }
        When(failed) {
          unprotectsCPUs
          rollback
          Return(.EIO)
        }
        Step(Self.enableEnds) {}
      }
    }
  }

  private func isFree(_ h: Expr<Config>) -> Condition {
    !uv.live[h] && held[h] == .none
  }

  /// The Ultravisor chooses a handle if it has any left.
  ///
  /// Create Secure Configuration: there must be room, and nobody may own the table (s390-pv §1.4).
  @StatementBuilder
  private func creates(_ h: Expr<Config>) -> [Statement] {
    When(exists(Config.self) { g in table == g && uv.live[g] }) {
      Return(.EIO)
    } else: {
      uv.attempts(
        .createConfig,
        Statements {
          uv.live[h] <- true
          donated[h] <- true
          held[h] <- .vm
          handle <- h
          table <- h
        }, refused: Statements { Return(.EIO) })
    }
  }

  @StatementBuilder
  private func createsCPU(_ v: Expr<VCPU>) -> [Statement] {
    uv.attempts(
      .createCPU,
      Statements {
        Each(Config.self) { h in When(handle == h) { uv.cpu[h, v] <- true } }
        protected[v] <- true
        sida[v] <- true
      }, refused: Statements { failed <- true })
  }
}
