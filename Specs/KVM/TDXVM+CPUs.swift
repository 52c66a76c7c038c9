import SpecLanguage
import TDXModuleSpecs

private let group = NamedArgument<SetOf<VCPU>>("vcpus_on_it")
private let isLast = NamedArgument<Bool>("last_of_package")

/// vCPU threads that move between CPUs, and CPUs that go offline (kvm-tdx §2.12).
///
/// CPUs have no names here. A vCPU is on the list of its CPU or on none; its thread may have moved
/// away since; the module may have it associated with a CPU that is neither.
extension TDXVM {
  /// vcpu_load at the begin of a vCPU's ioctl, and whenever the scheduler brings its thread back.
  @StatementBuilder
  var loadVCPU: [Statement] {
    When(hotplug == 1) { Call(tdxVCPULoad) }
  }

  static let loadName = "tdx_vcpu_load"
  private static let flushesName = "tdx_disable_virtualization_cpu"

  private var tdxVCPULoad: Action {
    let status = Local<Outcome>("status")
    let moved = Local<Bool>("the thread has moved")
    return Action(Self.loadName, cites: "kvm-tdx §2.12") {
      Step("vcpu->cpu") {
        Require(!inside(Self.flushesName))
          .because("that CPU has its interrupts off", "kvm-tdx §2.12")
        Check(hkid == .assigned, else: .ok)
        moved <- listed[v] && movedAway[v]
        movedAway[v] <- false
      }
      When(moved) {
        When(vcpu[v] == .initialized) {
          seamcall(.vpFlush, by: module.vpFlush(v.element), into: status)
          When(status != .ok && status != .vcpuNotAssociated) { kvmBug(after: status) }
        }
        Step("IPI: off the old CPU's list") {
          listed[v] <- false
          module.strayed[v] <- module.associated[v]
        }
      }
      Step("on this CPU's list") { listed[v] <- true }
    }
  }

  /// The scheduler has a vCPU's thread run on another CPU when it is about to load the vCPU.
  var threadMoves: Action {
    Action("a vCPU's thread moves", taking: [v], cites: "kvm-tdx §2.12") {
      Require(hotplug == 1)
      Require(at("vcpu->cpu") && holding(vcpuMutex[v]) && !movedAway[v])
      movedAway[v] <- true
    }
  }

  /// A CPU goes offline. vCPUs that are loaded have moved to other CPUs by then.
  var cpuOffline: Action {
    Action(
      "CPU goes offline", taking: [group, isLast], by: HostThread.self, cites: "kvm-tdx §2.12"
    ) {
      Step("the CPU is chosen") {
        Require(hotplug == 1)
        Require(!isLast || !packageOffline && (start == 0 || vmFile != .absent))
        Require(
          forAll(VCPU.self) { w in
            group.contains(w) ==> listed[w] && !isLoaded(w) && !module.running[w]
          })
      }
      Holding(cpusLock, .write) {
        Step("tdx_offline_cpu") {
          Check(!isLast || hkid != .assigned && !keyIDsTaken, else: .EBUSY)
            .because("the package's caches must be written back for a KeyID", "kvm-tdx §2.12")
        }
        Call(
          Action(Self.flushesName, cites: "kvm-tdx §2.12") {
            ForEach(VCPU.self, where: { w in group.contains(w) }) { w in flushAtOffline(w) }
          })
        Step("the CPU is offline") { When(isLast) { packageOffline <- true } }
      }
    }
  }

  /// The status of TDH.VP.FLUSH is not looked at.
  @StatementBuilder
  private func flushAtOffline(_ w: Expr<VCPU>) -> [Statement] {
    let status = Local<Outcome>("status")
    When(listed[w] && !isLoaded(w)) {
      When(vcpu[w] == .initialized) {
        seamcall(.vpFlush, by: module.vpFlush(w), into: status)
      }
      Step("off the CPU's list, whatever became of the flush") {
        listed[w] <- false
        module.strayed[w] <- module.associated[w]
      }
    }
  }

  /// Some thread has the vCPU loaded. While a vCPU's ioctl holds all mutexes, every vCPU counts.
  private func isLoaded(_ w: Expr<VCPU>) -> Condition {
    holding(vcpuMutex[w])
      && Self.vcpuIoctls.map { inside($0) }.reduce(Condition(.no)) { $0 || $1 }
  }

  private static let race = """
    A thread moves between TDH.VP.INIT and the end of INIT_VCPU, and TDH.VP.FLUSH is left out \
    (kvm-tdx §2.3.1, kvm-tdx §4.3); or a CPU goes offline while the TDR is taken exclusively, and \
    the flush's status is not looked at (kvm-tdx §4.6, kvm-tdx §3.4)
    """

  @ListBuilder<Property>
  var cpuProperties: [Property] {
    Always(
      "S-33", "the module has no vCPU associated with a CPU that KVM does not have it on",
      cites: "kvm-tdx S-33", "kvm-tdx S-18"
    ) { forAll(VCPU.self) { w in !module.strayed[w] } }
    .expect(
      .violated, when: hotplug == 1, ifMade: ["KVM_TDX_INIT_VCPU"], because: Self.race)
    Always(
      "S-33-package", "no package is without an online CPU while the TD has an HKID",
      cites: "kvm-tdx S-33"
    ) { !packageOffline || hkid != .assigned || inside("tdx_td_init") }
    Always(
      "S-34", "an HKID that is not given back was told of by KVM_BUG_ON", cites: "kvm-tdx S-34"
    ) { !destroyed || build != .uninitialized || hkid != .assigned || bugged }
    .expect(
      .violated, when: hotplug == 1, ifMade: ["KVM_TDX_INIT_VCPU"],
      because: "TDX_FLUSHVP_NOT_DONE is silent, see S-33 (kvm-tdx §4.3)")
    Always(
      "S-39", "an INIT_VM that fails leaves no HKID and no control pages", cites: "kvm-tdx S-39"
    ) {
      build != .uninitialized || inside("tdx_td_init") || bugged || destroyed
        || hkid != .assigned && !tdrHeld && tdcsPages == .null
    }
  }
}
