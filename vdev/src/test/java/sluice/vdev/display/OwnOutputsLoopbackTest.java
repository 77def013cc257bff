package sluice.vdev.display;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuResponse.Output;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU on a PCI bus, to which nobody hands a display: as many screens as it was made with. */
class OwnOutputsLoopbackTest {
    private static final int NUM_SCANOUTS = 8;
    private static final int W = GpuBackEnd.OWN_WIDTH;
    private static final int H = GpuBackEnd.OWN_HEIGHT;

    @ParameterizedTest
    @ValueSource(ints = { 1, 3, 16 })
    void eachHasAPlaceAndAnEdid(int outputs) throws IOException {
        try (GpuBackEnd backEnd = new GpuBackEnd(new GpuOptions(outputs, GpuOptions.DEFAULT_MEMORY_LIMIT))) {
            look(backEnd, outputs);
            backEnd.awaitGone();
        }
    }

    private static void look(GpuBackEnd backEnd, int outputs) throws IOException {
        try (GuestRam ram = GuestRam.single(4 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(backEnd.connectPci(), ram, VhostUserBits.F_VERSION_1
                        | VhostUserBits.F_ACCESS_PLATFORM | backEnd.device().features(), 64, 16)) {
            session.attach();
            session.start(null);
            assertThat(session.registers().get(VirtioPciRegisters.DEVICE, NUM_SCANOUTS, 4)).isEqualTo(outputs);
            GpuDriver driver = new GpuDriver(session).fenced(true);
            List<Output> told = driver.getDisplayInfo().outputs();
            for (int output = 0; output < 16; output++) {
                GpuResponse edid = driver.getEdid(output);
                if (output < outputs) {
                    assertThat(told.get(output)).isEqualTo(new Output(new GpuRect(output * W, 0, W, H), true));
                    assertThat(EdidMode.of(edid.edid())).isEqualTo(new EdidMode(W, H));
                } else {
                    assertThat(told.get(output)).isEqualTo(new Output(GpuRect.of(0, 0), false));
                    edid.requireType(GpuWire.RESP_ERR_INVALID_SCANOUT_ID);
                }
            }
        }
    }
}
