package sluice.dmacore.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The launcher starts the JVM with SIGUSR2 blocked; these tests show that this is enough, and that it is needed. */
class SignalFdTest {
    private static final String BLOCK = "--block-signal=USR2";
    private static final String MOVE_JVM_SIGNAL = "_JAVA_SR_SIGNUM=50";

    @Test
    void aJvmStartedWithTheSignalBlockedReceivesIt() throws Exception {
        List<String> lines = runChild(List.of("env", BLOCK, MOVE_JVM_SIGNAL));
        assertThat(lines).containsExactly("usr2-blocked=true", "usr1-blocked=false", "flags=truetrue", "before=0",
                "READY", "readable=true", "received=12", "after=0", "open=0");
    }

    /** HotSpot suspends threads with SIGUSR2 unless told otherwise, and unblocks its signal in every thread. */
    @Test
    void withoutMovingTheJvmsOwnSignalItIsNotBlocked() throws Exception {
        assertThat(runChild(List.of("env", "-u", "_JAVA_SR_SIGNUM", BLOCK))).containsExactly("usr2-blocked=false",
                "usr1-blocked=false", "open=0");
    }

    @Test
    void signalNumbersAreChecked() {
        assertThatThrownBy(() -> SignalFd.open(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SignalFd.open(65)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 to 64");
        assertThatThrownBy(() -> SignalFd.isBlocked(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readingWhatIsNoSignalfdFails() throws Exception {
        try (Fd event = EventFd.create(); Fd memory = Memfd.create("test", 0)) {
            assertThat(SignalFd.read(event)).isZero();
            MemfdTest.assertFails(Errno.EINVAL, "read", () -> SignalFd.read(memory));
        }
    }

    private static List<String> runChild(List<String> prefix) throws IOException, InterruptedException {
        Process child = new ProcessBuilder(ChildJvm.command(prefix, List.of(), SignalFdChild.class))
                .redirectErrorStream(true).start();
        try (BufferedReader output = child.inputReader()) {
            List<String> lines = output.lines().peek(line -> {
                if (line.equals("READY")) {
                    signal(child);
                }
            }).toList();
            assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).as("exit code after %s", lines).isZero();
            return lines;
        } finally {
            child.destroyForcibly();
        }
    }

    private static void signal(Process child) {
        try {
            TestCalls.kill(child.pid(), SignalFd.SIGUSR2);
        } catch (ErrnoException e) {
            throw new AssertionError(e);
        }
    }
}
