import SpecLanguage

/// What is asked of teardown on every architecture, in the same words, so that `tdxspec compare`
/// puts the answers side by side (s390-pv §4.3).
public enum TeardownQuestions {
  /// Early kill: what names the guest to the hardware is free again while user space has the VM.
  public static func keyComesBackEarly(
    @ConditionBuilder _ condition: () -> Condition
  ) -> Property {
    Possible(
      "Q-1", "the key or tag of a guest is given back while user space can reach the VM",
      cites: "s390-pv §4.3"
    ) { condition() }
  }

  public static func pagesOutliveOwner(
    @ConditionBuilder _ condition: () -> Condition
  ) -> Property {
    Possible(
      "Q-2", "a page is protected still, and its guest is gone", cites: "s390-pv §4.3"
    ) { condition() }
  }

  public static func successorRuns(@ConditionBuilder _ condition: () -> Condition) -> Property {
    Possible(
      "Q-3", "the VM runs another guest before all is back that the one before had",
      cites: "s390-pv §4.3"
    ) { condition() }
  }

  public static func noReuse(@ConditionBuilder _ condition: () -> Condition) -> Property {
    Always(
      "Q-4", "no page goes back to the host while it is protected",
      cites: "s390-pv §4.3", "s390-pv MP-2"
    ) { condition() }
  }

  public static func needsNoMemory(@ConditionBuilder _ condition: () -> Condition) -> Property {
    Always(
      "Q-5", "no teardown fails for want of memory", cites: "s390-pv §4.3", "s390-pv MP-3"
    ) { condition() }
  }

  public static func lossHasCause(@ConditionBuilder _ condition: () -> Condition) -> Property {
    Always(
      "Q-6", "what is lost for ever is lost because the firmware refused a call",
      cites: "s390-pv §4.3", "s390-pv MP-1"
    ) { condition() }
  }
}
