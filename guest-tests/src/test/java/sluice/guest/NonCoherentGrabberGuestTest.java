package sluice.guest;

import java.nio.file.Path;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** A grabber that does not snoop: what a guest's driver maps and unmaps is transferred, and where all is mapped it says no. */
@Tag("guest")
class NonCoherentGrabberGuestTest {

    @TempDir
    private Path folder;

    /**
     * Linux maps an imported buffer when it is queued for the first time and unmaps it when the queue gives it up. The sync
     * between, when it is dequeued, is nothing that leaves the guest.
     */
    @Test
    void anImportedBufferArrivesThroughItsUnmap() throws Exception {
        try (GrabberGuest guest = GrabberGuest.boot(GuestIommu.INTEL_STRICT, folder.resolve("statistics.json"),
                "--coherency=non-coherent")) {
            String command = "import /dev/video0 udmabuf 1 shown";
            guest.qemu().console().send(command);
            Matcher dequeued = guest.awaitLine("^SLUICE frame 0 0 [0-9a-f]{8} ([0-9a-f]{8})$");
            assertThat(dequeued.group(1)).as("what the program had filled it with").isEqualTo("eeeeeeee");
            Matcher unmapped = guest.awaitLine("^SLUICE shown 0 0 ([0-9a-f]{8}) ([0-9a-f]{8})$");
            assertThat(unmapped.group(1)).as("checksum of: %s", unmapped.group())
                    .isEqualTo(GrabberPattern.crc(Long.parseLong(unmapped.group(2), 16)));
            guest.awaitExit(command, 0);
            JsonObject statistics = guest.statisticsNow();
            System.out.println(statistics);
            assertThat(statistics.getAsJsonArray("findings")).isEmpty();
            assertThat(statistics.get("addressErrors").getAsLong()).isZero();
            assertThat(statistics.getAsJsonObject("ownership").get("invalidateExecuted").getAsLong())
                    .isGreaterThanOrEqualTo(GrabberPattern.BYTES);
        }
    }

    /** All memory is mapped once: there is nothing to take for a transfer. */
    @Test
    void withoutAnIommuItSaysWhatItNeeds() throws Exception {
        try (GrabberGuest guest = GrabberGuest.boot(GuestIommu.NONE, folder.resolve("statistics.json"),
                "--coherency=non-coherent")) {
            // The driver does not ask whether the card could write its addresses, and takes what is there for a picture.
            guest.run("dd if=/dev/video0 of=/tmp/frames bs=%d count=1 2>/dev/null".formatted(GrabberPattern.BYTES));
            assertThat(guest.grabber().errors()).contains("needs a VM whose guest maps each buffer");
            assertThat(guest.statisticsNow().get("addressErrors").getAsLong()).isPositive();
            assertThat(guest.statisticsNow().getAsJsonObject("dma").get("bytes").getAsLong()).isZero();
        }
    }
}
