import CKVM
import ConformanceKit
import Glibc

/// The first process of a virtual machine that holds nothing but the runner.
public enum GuestInit {
  /// What the runner writes before it reads its first request.
  public static let greeting = "tdxspec-kvm is ready"

  /// The serial port that requests come from; the first one is the console.
  static let port = "/dev/ttyS1"

  /// No request for so long, in milliseconds, and the machine turns itself off.
  static let idleLimit = 600_000

  /// Mounts what tests look at and answers requests until there are none.
  public static func run(_ options: RunnerOptions) {
    mount()
    var options = options
    options.ownsKernel = true
    options.idleLimit = idleLimit
    guard let port = Descriptor(path: port, flags: O_RDWR | O_NOCTTY) else {
      complain("the second serial port cannot be opened")
      return
    }
    let known: KnownCalls
    do throws(FormatError) {
      known = try KnownCalls(path: "/calls")
    } catch {
      complain("the known calls: \(error)")
      return
    }
    ckvm_make_raw(port.number)
    LineWriter(port.number).write(Array((greeting + "\n").utf8))
    let number = port.release()
    var supervisor = Supervisor(options, known, input: number, output: number)
    supervisor.serve()
  }

  private static func mount() {
    let systems = [
      ("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp"),
      ("debugfs", "/sys/kernel/debug"),
    ]
    for (type, place) in systems {
      mkdir(place, 0o755)
      _ = Glibc.mount(type, place, type, 0, nil)
    }
    // Without these the lowest descriptors would be free, and tests would get them.
    let console = open("/dev/console", O_RDWR)
    for number in Int32(0)...2 where console >= 0 && fcntl(number, F_GETFD) < 0 {
      dup2(console, number)
    }
    // Where a directory of the initial file system had no device, its descriptors are of no use.
    if console > 2 { close(console) }
  }

  private static func complain(_ text: String) {
    LineWriter(STDERR_FILENO).write(Array("tdxspec-kvm: \(text)\n".utf8))
  }
}
