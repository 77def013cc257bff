package sluice.vdev.virtiopci;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.VirtioPciRegisters;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VirtioPciSession.NEEDS_RESET;

/** A device behind PCI that throws: its driver sees NEEDS_RESET, and each of its accesses is answered. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FailingDeviceTest {
    private static final long FREE = 1L << 30;
    private static final int PAGE = 4096;

    private EchoFunction function;
    private VirtioPciRegisters registers;

    @BeforeEach
    void start() throws IOException {
        function = EchoFunction.started();
        registers = function.registers();
    }

    @AfterEach
    void end() {
        function.closeAfterFailures();
    }

    @ParameterizedTest
    @ValueSource(strings = { "stop", "reset" })
    void aResetIsOverWhateverFailsAndTheNextOneMendsIt(String call) throws IOException {
        function.echo(0, 1);
        function.device.failing = call;
        registers.setStatus(0);
        assertThat(registers.status()).as("a driver waits for this").isZero();
        assertThat(function.log.count("failed in " + call)).isEqualTo(1);
        function.device.failing = null;
        function.session.reset();
        function.forget();
        function.session.start(null);
        function.echo(2, 2);
    }

    @Test
    void aDeviceThatMayHoldWhatIsUnmappedNeedsAReset() throws IOException {
        function.echo(0, 1);
        function.device.failing = "invalidated";
        function.session.client().map(FREE, PAGE, 0, 3, function.ram.file());
        assertThat(function.session.client().unmap(FREE, PAGE)).isZero();
        assertThat(registers.status() & NEEDS_RESET).isNotZero();
        assertThat(function.session.configurationChanged()).isTrue();
        assertThat(function.log.count("echo failed in invalidated")).isEqualTo(1);
    }

    /** What fails at the end of a guest must not keep the next one from being served, nor what comes behind it from its end. */
    @ParameterizedTest
    @ValueSource(strings = { "stop", "reset" })
    void theNextGuestIsServedWhateverFails(String call) throws IOException {
        function.echo(1, 1);
        function.device.failing = call;
        function.disconnect();
        function.device.failing = null;
        function.reconnect();
        function.session.start(null);
        for (int queue = 0; queue < EchoDevice.QUEUES; queue++) function.echo(queue, queue);
    }
}
