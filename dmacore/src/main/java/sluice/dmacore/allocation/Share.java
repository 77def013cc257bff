package sluice.dmacore.allocation;

import java.util.List;
import java.util.stream.Collectors;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBuf;

/**
 * A buffer, and the devices that share it.
 *
 * @param attachments at least one
 */
public record Share(DmaBuf buffer, List<Attachment> attachments) {
    public Share {
        attachments = List.copyOf(attachments);
    }

    void giveBack() {
        for (Attachment attachment : attachments) attachment.detach();
        buffer.release();
    }

    @Override
    public String toString() {
        return "%s of %s for %s".formatted(buffer.name(), buffer.exporter().name(), attachments.stream()
                .map(attachment -> attachment.function().name()).collect(Collectors.joining(", ")));
    }
}
