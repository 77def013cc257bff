package sluice.vdev.report;

import java.util.Iterator;
import java.util.Locale;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.OwnedRange;
import sluice.dmacore.ownership.OwnershipCounters;

/** A part of the table of a core's buffers, for a page. */
public final class BuffersJson {
    /** Of one buffer: a reader wants an overview. */
    private static final int MOST_RANGES = 8;

    private BuffersJson() {}

    /**
     * An object with {@code total}, {@code from} and an array {@code buffers}: {@code number}, {@code name}, {@code size} in bytes, {@code
     * exporter}, {@code state}, {@code attachments} ({@code device}, {@code coherent}, {@code mapped}: read, write, both or empty), {@code owners}
     * of at most 8 ranges ({@code from}, {@code end}, {@code owner}, {@code others}, {@code writes}), {@code transfers}, {@code writtenBack} and {@code invalidated} in
     * bytes of cache lines.
     *
     * @param from number of buffers before the first, 0 or more
     * @param count limit of buffers
     */
    public static JsonObject of(DmaCore core, int from, int count) {
        JsonObject table = new JsonObject();
        JsonArray rows = new JsonArray();
        int total = 0;
        for (Iterator<DmaBuf> all = core.buffers().iterator(); all.hasNext(); total++) {
            DmaBuf buffer = all.next();
            if (total >= from && rows.size() < count) rows.add(row(buffer));
        }
        table.addProperty("total", total);
        table.addProperty("from", from);
        table.add("buffers", rows);
        return table;
    }

    private static JsonObject row(DmaBuf buffer) {
        JsonObject row = new JsonObject();
        row.addProperty("number", buffer.number());
        row.addProperty("name", buffer.name());
        row.addProperty("size", buffer.size());
        row.addProperty("exporter", buffer.exporter().name());
        row.addProperty("state", buffer.state().name().toLowerCase(Locale.ROOT));
        JsonArray attachments = new JsonArray();
        for (Attachment attachment : buffer.attachments()) attachments.add(attachment(attachment));
        row.add("attachments", attachments);
        JsonArray owners = new JsonArray();
        for (OwnedRange range : buffer.owners(MOST_RANGES)) owners.add(range(range));
        row.add("owners", owners);
        OwnershipCounters counters = buffer.counters();
        row.addProperty("transfers", counters.transfers());
        row.addProperty("writtenBack", counters.writeBackExecuted());
        row.addProperty("invalidated", counters.invalidateExecuted());
        return row;
    }

    private static JsonObject attachment(Attachment attachment) {
        JsonObject json = new JsonObject();
        json.addProperty("device", attachment.function().name());
        json.addProperty("coherent", attachment.stream().coherent());
        Direction mapped = attachment.mapped();
        json.addProperty("mapped", mapped == null ? "" : switch (mapped) {
            case TO_DEVICE -> "read";
            case FROM_DEVICE -> "write";
            default -> "both";
        });
        return json;
    }

    private static JsonObject range(OwnedRange range) {
        JsonObject json = new JsonObject();
        json.addProperty("from", range.from());
        json.addProperty("end", range.end());
        json.addProperty("owner", range.owner());
        json.addProperty("others", range.others());
        json.addProperty("writes", range.writes());
        return json;
    }
}
