import BackendProcess
import ConformanceKit
import Foundation

/// A kernel in a virtual machine that QEMU emulates, with a runner as its first process.
///
/// The machine has no disk and no network; the runner is its initial file system. Requests and
/// replies go over its second serial port, the first one is the console. The machine is started
/// with the first request, and again after it broke down or a call did not come back: what holds
/// that call up would hold up calls of every later test.
public struct QEMUBackend: Backend {
  /// What a machine is made of.
  public struct Setup: Hashable, Sendable {
    /// The kernel's file.
    public var kernel: String
    /// The runner's file, a program that needs no other.
    public var runner: String
    /// The command that is QEMU.
    public var command: String
    /// Seconds for one call; a call that takes longer is an outcome.
    public var callLimit: Int
    /// In how many ways the calls of a race are put together.
    public var raceAttempts: Int
    /// Calls that will be made: requests then only tell their number, which is quicker.
    public var known: [Call] = []

    /// A machine with the usual QEMU and limits.
    public init(
      kernel: String, runner: String, command: String = "qemu-system-x86_64", callLimit: Int = 20,
      raceAttempts: Int = 12
    ) {
      self.kernel = kernel
      self.runner = runner
      self.command = command
      self.callLimit = callLimit
      self.raceAttempts = raceAttempts
    }
  }

  private var process: ProcessBackend
  private let files: MachineFiles
  private let kernel: String
  /// A call did not come back since the machine was started.
  private var isStuck = false

  /// What the runner writes before it reads its first request.
  static let greeting = "tdxspec-kvm is ready"

  /// Makes the machine's files; the machine itself is started with the first request.
  ///
  /// - Throws: `unavailable` when something is not there: the kernel, a static runner, a QEMU that
  ///   is new enough.
  public init(_ setup: Setup) throws(BackendError) {
    let name = URL(fileURLWithPath: setup.kernel).lastPathComponent
    kernel = name
    guard FileManager.default.isReadableFile(atPath: setup.kernel) else {
      throw BackendError(.unavailable, "there is no kernel \(setup.kernel)")
    }
    let options = try? String(contentsOfFile: setup.kernel + ".options", encoding: .utf8)
    let form = try MachineForm(kernel: name, options: options)
    try QEMUVersion.require(form.oldestVersion, of: setup.command, for: name)
    files = try MachineFiles(runner: setup.runner, known: setup.known)
    var limits = ProcessBackend.Limits()
    limits.call = Double(setup.callLimit) + 10
    limits.other = Double(setup.callLimit) + 30
    limits.start = 120
    process = ProcessBackend(
      Self.command(setup, form, files), limits: limits, greeting: Self.greeting,
      known: setup.known)
  }

  /// For the shell; it becomes QEMU, so that ending it ends the machine.
  private static func command(
    _ setup: Setup, _ form: MachineForm, _ files: MachineFiles
  ) -> String {
    // What the kernel does not know goes into the runner's environment: Swift's runtime would look
    // for itself in /proc, which is not there yet.
    let append =
      ["console=ttyS0", "panic=-1", "loglevel=4", "SWIFT_ROOT=/"] + form.append
      + ["--", "--call-limit", "\(setup.callLimit)", "--race-attempts", "\(setup.raceAttempts)"]
    let words =
      [setup.command] + form.machine
      + [
        "-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot",
        "-serial", "file:\(files.console)", "-serial", "stdio",
        "-kernel", setup.kernel, "-initrd", files.initialFiles,
        "-append", append.joined(separator: " "),
      ]
    return "exec " + words.map(quoted).joined(separator: " ") + " 2>" + quoted(files.complaints)
  }

  private static func quoted(_ word: String) -> String {
    "'" + word.replacing("'", with: "'\\''") + "'"
  }

  /// What the machine's KVM can do; starts the machine.
  public mutating func probe() throws(BackendError) -> Profile {
    do throws(BackendError) {
      var profile = try process.probe()
      profile.backend = "qemu:\(kernel)"
      return profile
    } catch { throw explained(error) }
  }

  /// Begins a test in a process of its own; starts the machine if it does not run.
  public mutating func reset() throws(BackendError) {
    if isStuck { process.stop() }
    isStuck = false
    do throws(BackendError) { try process.reset() } catch { throw explained(error) }
  }

  /// Has the test's process make the call.
  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    do throws(BackendError) {
      let result = try process.perform(call)
      if result.outcome == .timeout { isStuck = true }
      return result
    } catch { throw explained(error) }
  }

  /// What the test's process can see.
  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    do throws(BackendError) { return try process.observe() } catch { throw explained(error) }
  }

  /// Has threads of the test's process make calls at once.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    do throws(BackendError) {
      let results = try process.race(threads, attempt: attempt)
      if results?.joined().contains(where: { $0.outcome == .timeout }) == true { isStuck = true }
      return results
    } catch { throw explained(error) }
  }

  /// Ends the test's process; what the machine's kernel reports broken.
  public mutating func conclude() throws(BackendError) -> [String] {
    do throws(BackendError) { return try process.conclude() } catch { throw explained(error) }
  }

  /// An error of a machine that broke down, with the last lines of its console and of QEMU.
  private func explained(_ error: BackendError) -> BackendError {
    guard error.kind == .lost || error.kind == .malformedAnswer else { return error }
    let tail =
      files.lastLines(files.complaints, 6).map { "\n    \($0)" }
      + files.lastLines(files.console, 12).map { "\n    console: \($0)" }
    return BackendError(error.kind, error.message + tail.joined())
  }
}
