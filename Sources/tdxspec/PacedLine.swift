import Verdicts

/// How far something is: on a terminal a line that is replaced twice a second, elsewhere a line now
/// and then.
final class PacedLine {
  private let clock = ContinuousClock()
  private let pause: Swift.Duration
  private var start: ContinuousClock.Instant
  private var last: ContinuousClock.Instant

  /// - Parameter seconds: between lines that go elsewhere than to a terminal.
  init(every seconds: Int) {
    pause = Terminal.isInteractive ? .milliseconds(500) : .seconds(seconds)
    start = clock.now
    last = start
  }

  /// Seconds are counted from here.
  func begin() {
    start = clock.now
    last = start
  }

  /// Shows the text, if it is time to; the text gets the seconds so far, more than 0.
  func update(_ text: (Double) -> String) {
    let now = clock.now
    guard now - last >= pause else { return }
    last = now
    let line = text(max(0.001, (now - start) / .seconds(1)))
    if Terminal.isInteractive { Terminal.status(line) } else { say(line) }
  }

  /// A line that stays.
  func say(_ line: String) {
    clear()
    try? Output(descriptor: 2, path: "standard error").write(line + "\n")
  }

  func clear() { if Terminal.isInteractive { Terminal.status("") } }
}
