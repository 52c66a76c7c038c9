import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let argument = NamedArgument<ArgumentMemory>("argument")
private let caller = NamedArgument<CommandCaller>("caller")
private let flags = NamedArgument<Bool>("flags")
private let header = NamedArgument<SecureHeader>("header")
private let range = NamedArgument<UnpackRange>("data")
private let question = NamedArgument<InfoRequest>("info")
private let request = NamedArgument<DumpRequest>("dump")
private let cpuRequest = NamedArgument<CPURequest>("command")
private let kind = NamedArgument<Allocation>("of")
private let v = NamedArgument<VCPU>("v")
private let p = NamedArgument<Page>("p")

/// The sub-commands of KVM_S390_PV_COMMAND and what else looks at the protection: which check
/// comes first, and what a refusal leaves behind (s390-pv §1.10, §1.11, §1.14, §6.3).
///
/// One caller. Pages, memory that runs out and calls of the Ultravisor that fail are left to
/// s390/async; the Ultravisor refuses here what comes out of order.
public struct S390Commands: Spec {
  public static let name = "s390/commands"
  public let summary = "s390 protected VMs: the checks of each sub-command, images and dumps"

  let threads = Parameter("threads", of: HostThread.self, 1...1, default: 1, "the VMM's thread")
  let vcpus = Parameter("vcpus", of: VCPU.self, 1...2, default: 1, "virtual CPUs")
  let pages = Parameter("pages", of: Page.self, 1...3, default: 1, "pages of the guest")

  /// K.h is not 0.
  let isProtected = Var(false, as: "protected")
  /// The vCPUs run as secure CPUs.
  let hasCPUs = Var(false, as: "cpus_protected")
  let stage = Var(ImageStage.fresh, as: "image")
  let isDumping = Var(false, as: "dumping")
  /// A guest is set aside.
  let hasAside = Var(false, as: "set_aside")
  /// A page of the image is in memory.
  let hasPage = Var(false, as: "page")
  /// The guest has shared it with the host.
  let hasShared = Var(false, as: "shared")
  /// The next buffer cannot be allocated.
  let isStarved = Var(false, as: "out_of_memory")
  let arguments = Parameter(
    "ARGUMENTS", 0...1, default: 1, "1: calls are made with arguments that are refused, too")

  public init() {}

  public var actions: [Action] {
    teardown
    image
    others
    events
  }

  // MARK: The prelude

  /// A sub-command: its prelude, its checks and effects, the copy back (s390-pv §1.10).
  ///
  /// - Parameter last: what is checked, and done, once the body has changed something.
  private func command(
    _ name: String, taking more: [any ListedArgument] = [],
    last: [Statement] = [], @StatementBuilder _ body: () -> [Statement]
  ) -> Action {
    let statements = body()
    return Action(
      "KVM_PV_\(name)", taking: [caller, argument, flags] + more, by: HostThread.self,
      cites: "s390-pv §1.10", "s390-pv §1.11"
    ) {
      Step("KVM_S390_PV_COMMAND, \(name)") {
        Require(arguments == 1 || caller == .owner && argument == .fine && flags == false)
        Check(caller == .owner, else: .EIO).because("kvm->mm != current->mm")
        Check(argument != .unreadable, else: .EFAULT).because("the argument is copied in")
        Check(flags == false, else: .EINVAL).because("no flags are known")
        statements
      }
      if !last.isEmpty { Step("\(name), once something has changed") { last } }
      Step("copies the argument back") {
        Check(argument != .readOnly, else: .EFAULT)
          .because("it is copied back whatever came of it", "s390-pv SI-26")
      }
    }
  }

  /// A check of a sub-command. The copy back comes after a refusal, too, and its own replaces it.
  @StatementBuilder
  private func checks(
    _ condition: Condition, else errno: Outcome, _ why: String
  ) -> [Statement] {
    When(argument == .readOnly && !condition) { Return(.EFAULT) }
    Check(condition, else: errno).because(why, "s390-pv §1.11")
  }

  /// The answer of a success whose codes no call of the Ultravisor gave.
  private var executed: Statement { When(argument != .readOnly) { Return(.executed) } }

  // MARK: From the beginning of a guest to its end

  @ListBuilder<Action> private var teardown: [Action] {
    command("ENABLE") {
      checks(!isProtected.condition, else: .EINVAL, "is it protected?")
      isProtected <- true
      hasCPUs <- true
      stage <- .fresh
    }
    command("DISABLE") {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      ends
      hasAside <- false
    }
    command("ASYNC_CLEANUP_PREPARE", last: setsAside) {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      hasCPUs <- false
    }
    command("ASYNC_CLEANUP_PERFORM") {
      checks(hasAside.condition, else: .EINVAL, "is one set aside?")
      hasAside <- false
      // The walk exports the page of a successor that it meets (s390-pv §1.12).
      hasPage <- false
      hasShared <- false
    }
  }

  @StatementBuilder
  private var setsAside: [Statement] {
    checks(!hasAside.condition, else: .EINVAL, "one at a time")
    ends
    hasAside <- true
    executed
  }

  /// The VM is an ordinary one, and its vCPUs are not blocked by a dump.
  @StatementBuilder
  private var ends: [Statement] {
    isProtected <- false
    hasCPUs <- false
    isDumping <- false
    hasShared <- false
    hasPage <- false
    stage <- .fresh
  }

  /// A buffer is allocated; it may be the one for which there is no memory.
  @StatementBuilder
  private func allocates(when isAsked: Condition = Condition(.yes)) -> [Statement] {
    When(argument == .readOnly && isAsked && isStarved.condition) {
      isStarved <- false
      Return(.EFAULT)
    }
    When(isAsked && isStarved.condition) {
      isStarved <- false
      Return(.ENOMEM)
    }
  }

  // MARK: Images, resets and dumps

  @ListBuilder<Action> private var image: [Action] {
    command("SET_SEC_PARMS", taking: [header]) {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      checks(header != .unreadable, else: .EFAULT, "the header's address and length")
      checks(header != .tooLong, else: .EINVAL, "at most 1 MiB")
      allocates()
      checks(header != .empty, else: .ENOMEM, "no memory of no length")
      checks(header != .dangling, else: .EFAULT, "the header")
      checks(stage == .fresh, else: .EINVAL, "the Ultravisor: once only")
      checks(header != .forOther, else: .EINVAL, "the Ultravisor: made for this machine?")
      stage <- .hasParameters
    }
    command("UNPACK", taking: [range], last: unpacks) {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      checks(range != .unreadable, else: .EFAULT, "address, size and tweak")
      checks(
        range != .unaligned && range != .empty, else: .EINVAL, "whole pages, and at least one")
      // With two guests in the mm the page is exported first, whatever comes then (s390-pv §1.7).
      When(hasAside.condition) {
        hasPage <- false
        hasShared <- false
      }
    }
    command("VERIFY") {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      checks(stage == .unpacked, else: .EINVAL, "the Ultravisor: in order?")
      stage <- .runnable
    }
    command("PREP_RESET") {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      checks(!hasShared.condition, else: .EINVAL, "the Ultravisor: nothing is shared")
    }
    command("UNSHARE_ALL") {
      checks(isProtected.condition, else: .EINVAL, "is it protected?")
      hasShared <- false
    }
    command("INFO", taking: [question]) {
      checks(question != .unreadable, else: .EFAULT, "the header of the question")
      checks(question != .tooShort, else: .EINVAL, "room for the header")
      checks(question != .unknown && question != .noRoom, else: .EINVAL, "a known question")
      checks(question != .readOnly, else: .EFAULT, "the answer")
    }
    command("DUMP", taking: [request]) { dump }
    command("UNKNOWN") { checks(Condition(.no), else: .ENOTTY, "the last of all checks") }
  }

  @StatementBuilder
  private var unpacks: [Statement] {
    checks(stage.in(.hasParameters, .unpacked), else: .EINVAL, "the Ultravisor: in order?")
    stage <- .unpacked
    hasPage <- true
  }

  @StatementBuilder
  private var dump: [Statement] {
    checks(isProtected.condition, else: .EINVAL, "is it protected?")
    checks(request != .unreadable, else: .EFAULT, "the argument of the dump")
    checks(request != .unknown, else: .ENOTTY, "a known sub-command")
    When(request == .start) {
      checks(!isDumping.condition, else: .EINVAL, "one dump at a time")
      checks(stage == .runnable, else: .EINVAL, "the Ultravisor: is there a guest?")
      isDumping <- true
    } else: {
      checks(isDumping.condition, else: .EINVAL, "a dump has begun")
      checks(request != .unalignedState, else: .EINVAL, "whole MiB")
      checks(request != .emptyState, else: .EINVAL, "a length")
      checks(request != .smallComplete, else: .EINVAL, "room for what completes it")
      allocates(when: request != .start)
      When(request == .complete) { isDumping <- false }
    }
  }

  // MARK: What else looks at the protection (s390-pv §1.14)

  @ListBuilder<Action> private var others: [Action] {
    Action(
      "KVM_PV_CPU_COMMAND", taking: [v, caller, cpuRequest], by: HostThread.self,
      cites: "s390-pv §1.11"
    ) {
      Step("KVM_S390_PV_CPU_COMMAND") {
        Require(arguments == 1 || caller == .owner)
        Check(caller == .owner, else: .EIO).because("kvm->mm != current->mm")
        Check(cpuRequest == .dump, else: .EINVAL).because("the one command there is")
        Check(isDumping.condition, else: .EINVAL).because("a dump has begun")
      }
    }
    Action(
      ProtectedVM.runName, taking: [v, p, caller], by: HostThread.self, cites: "s390-pv §1.14"
    ) {
      Step("KVM_RUN") {
        Require(arguments == 1 || caller == .owner)
        Check(caller == .owner, else: .EIO).because("kvm->mm != current->mm")
        Check(!isDumping.condition, else: .EINVAL).because("vCPUs are blocked", "s390-pv SI-24")
        When(hasCPUs.condition && stage != .runnable) { Return(.invalid) }
        When(hasCPUs.condition) { hasPage <- true }
      }
    }
    vcpu("KVM_SET_ONE_REG", !hasCPUs.condition, else: .EINVAL)
    vcpu("KVM_SET_MP_STATE", hasCPUs.condition, else: .ENXIO)
    machine("KVM_S390_MEM_OP", !isProtected.condition, else: .EINVAL)
    machine("KVM_S390_VM_TOD", !isProtected.condition, else: .EOPNOTSUPP)
    machine(
      "KVM_SET_USER_MEMORY_REGION", !isProtected.condition, else: .EINVAL,
      when: isProtected.condition || !hasAside.condition)
  }

  // MARK: What happens besides calls

  @ListBuilder<Action> private var events: [Action] {
    Action("the guest shares a page", taking: [p], cites: "s390-pv §1.4") {
      Require(hasCPUs.condition && stage == .runnable && !isDumping.condition)
      Require(hasPage.condition && !hasShared.condition)
      hasShared <- true
    }
    Action("the next allocation fails", taking: [kind], cites: "s390-pv §3.2") {
      Require(kind == .buffer && !isStarved.condition)
      isStarved <- true
    }
    Action(ProtectedVM.reclaimName, taking: [p], cites: "s390-pv §1.13") {
      Require(stage.in(.unpacked, .runnable)).because("it goes, and comes back encrypted")
      hasShared <- false
      hasPage <- false
    }
  }

  private func vcpu(_ name: String, _ isAllowed: Condition, else errno: Outcome) -> Action {
    Action(name, taking: [v, caller], by: HostThread.self, cites: "s390-pv §1.14") {
      Step(name) {
        Require(arguments == 1 || caller == .owner)
        Check(caller == .owner, else: .EIO).because("kvm->mm != current->mm")
        Check(isAllowed, else: errno).because("is the vCPU protected?", "s390-pv §1.14")
      }
    }
  }

  /// - Parameter known: where it is made. What a memslot that is gone leaves behind while a guest
  ///   is set aside is a matter of s390/async.
  private func machine(
    _ name: String, _ isAllowed: Condition, else errno: Outcome,
    when known: Condition = Condition(.yes)
  ) -> Action {
    Action(name, taking: [caller], by: HostThread.self, cites: "s390-pv §1.14") {
      Step(name) {
        Require(known)
        Check(caller == .owner, else: .EIO).because("kvm->mm != current->mm")
        Check(isAllowed, else: errno).because("is the VM protected?", "s390-pv §1.14")
      }
    }
  }
}

extension S390Commands {
  public var scopes: [Scope] { [Scope("small", "a vCPU and a page", ["vcpus": 1, "pages": 1])] }

  @ListBuilder<Property> public var properties: [Property] {
    Always(
      "SI-24", "a dump is one of a protected guest", cites: "s390-pv SI-24"
    ) { isDumping.condition ==> isProtected }
    Always(
      "SI-7", "a vCPU runs as a secure CPU only in a protected VM", cites: "s390-pv SI-7"
    ) { hasCPUs.condition ==> isProtected }
    Scenario(
      "S390-26", "DISABLE ends a dump; then vCPUs run again", cites: "s390-pv §6.4"
    ) {
      Do("KVM_PV_ENABLE", 0, 0, 0, answers: .ok)
      Do("KVM_PV_SET_SEC_PARMS", 0, 0, 0, 0, answers: .ok)
      Do("KVM_PV_UNPACK", 0, 0, 0, 0, answers: .ok)
      Do("KVM_PV_VERIFY", 0, 0, 0, answers: .ok)
      Do("KVM_PV_DUMP", 0, 0, 0, 0, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, 0, answers: .EINVAL)
      Do("KVM_PV_DISABLE", 0, 0, 0, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, 0, answers: .ok)
    }
    Scenario(
      "S390-30", "what cannot be written back has happened nevertheless", cites: "s390-pv §6.4"
    ) {
      Do("KVM_PV_ENABLE", 0, 2, 0, answers: .EFAULT)
      Do("KVM_PV_ENABLE", 0, 0, 0, answers: .EINVAL)
    }
    Scenario(
      "S390-32", "who has another mm is refused before everything", cites: "s390-pv §6.4"
    ) {
      Do("KVM_PV_ENABLE", 1, 1, 1, answers: .EIO)
      Do("KVM_PV_UNKNOWN", 0, 0, 1, answers: .EINVAL)
      Do("KVM_PV_UNKNOWN", 0, 0, 0, answers: .ENOTTY)
    }
  }
}

extension Readable where Value == Bool {
  /// The truth of it, where a condition is asked for.
  fileprivate var condition: Condition { Condition(node) }
}
