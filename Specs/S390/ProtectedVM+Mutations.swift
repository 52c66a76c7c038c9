import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Bugs of the past, and what the designs depend on (s390-pv §5.1).
extension ProtectedVM {
  /// - Parameter holding: the scope in which pages are safe without a mutation.
  @ListBuilder<Mutation> func mutations(at holding: String = "small") -> [Mutation] {
    Mutation(
      "B3", "the mm is marked as protected after the guest can run", caughtBy: ["SI-1"],
      at: holding, cites: "s390-pv B3"
    ) {
      Without(step: Self.counts)
      Replacing(step: Self.enableEnds) {
        Step(Self.enableEnds) { count <- choose(isCounted, count + 1, else: Expr<Int>(1.literal)) }
      }
    }
    Mutation(
      "B1", "a vCPU that is no secure CPU any more is destroyed as one again", caughtBy: ["SI-7"],
      at: "failing", cites: "s390-pv B1"
    ) {
      Replacing(step: Ultravisor.destroyCPU, in: Self.disableName) {
        Step(Ultravisor.destroyCPU) {
          Each(VCPU.self) { v in
            protected[v] <- false
            freesSIDA(v)
            uv.attempts(
              .destroyCPU,
              Statements { Each(Config.self) { h in When(handle == h) { uv.cpu[h, v] <- false } } },
              refused: Statements { failed <- true })
          }
        }
      }
    }
    Mutation(
      "B5", "the top-level table of a configuration that is not destroyed stays in use",
      caughtBy: ["SI-8"], at: "failing", cites: "s390-pv B5"
    ) {
      Replacing(step: Ultravisor.destroyConfig, in: Self.destroyName) {
        Step(Ultravisor.destroyConfig) {
          destroysOwn(refused: Statements { failed <- true })
        }
      }
    }
    Mutation(
      "free-anyway", "memory is freed although the configuration was not destroyed",
      caughtBy: ["SI-6"], at: "failing", cites: "s390-pv SI-6"
    ) {
      Replacing(step: Ultravisor.destroyConfig, in: Self.destroyName) {
        Step(Ultravisor.destroyConfig) {
          destroysOwn(
            refused: Statements {
              table <- nil
              Each(Config.self) { h in When(handle == h) { donated[h] <- false } }
            })
        }
      }
    }
    Mutation(
      "B8", "an import does not hold the page", caughtBy: ["SI-2"], at: holding,
      cites: "s390-pv B8"
    ) { Without(locks: folio, in: Self.runName) }
    Mutation(
      "no-clear", "exit unmaps pages as if the mm were not protected", caughtBy: ["SI-2"],
      at: holding, cites: "s390-pv §1.13"
    ) {
      Replacing(step: Self.unmaps) {
        Step(Self.unmaps) { Each(Page.self) { p in place[p] <- .away } }
      }
    }
    Mutation(
      "keep-cpus", "DISABLE leaves the CPUs to the end of the VM", caughtBy: ["SI-28"],
      at: "small", cites: "s390-pv SI-25"
    ) { Without(step: Ultravisor.destroyCPU, in: Self.disableName) }
  }
}
