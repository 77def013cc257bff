package sluice.guest;

import java.io.IOException;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;

/**
 * A suite that boots one machine for a configuration and makes all its checks on it, in their order: what it has booted is ended
 * after the last of them.
 */
abstract class MachineTest {
    private static @Nullable TestGuest running;

    /** The checks are made on this machine from now on. */
    static void use(TestGuest guest) {
        running = guest;
    }

    /** The machine that was booted for this configuration. */
    static TestGuest machine() {
        return Objects.requireNonNull(running, "a machine was started before");
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        TestGuest ended = running;
        running = null;
        if (ended != null) ended.close();
    }
}
