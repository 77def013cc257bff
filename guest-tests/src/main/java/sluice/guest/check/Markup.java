package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;

import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Writes elements. Text and attribute values are escaped and safe to display. */
final class Markup {
    private final XMLStreamWriter xml;

    /** Writes the content of an element. */
    interface Content {
        void write() throws XMLStreamException;
    }

    private Markup(XMLStreamWriter xml) {
        this.xml = xml;
    }

    /** Writes a document. */
    interface Document {
        void write(Markup markup) throws XMLStreamException;
    }

    /** Writes a document and flushes it. */
    static void write(Writer out, Document document) throws IOException {
        try {
            XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(out);
            document.write(new Markup(xml));
            xml.writeEndDocument();
            xml.flush();
            xml.close(); // leaves the writer open
        } catch (XMLStreamException e) {
            throw new IOException("the report cannot be written: " + e.getMessage(), e);
        }
        out.append('\n').flush();
    }

    /** The XML declaration. */
    void declaration() throws XMLStreamException {
        xml.writeStartDocument("UTF-8", "1.0");
    }

    /** The HTML doctype. */
    void doctype() throws XMLStreamException {
        xml.writeDTD("<!DOCTYPE html>\n");
    }

    /**
     * An element with content.
     *
     * @param attributes names and values, alternating
     */
    void element(String name, Content content, String... attributes) throws XMLStreamException {
        xml.writeStartElement(name);
        attributes(attributes);
        content.write();
        xml.writeEndElement();
    }

    /** An element with one line of text. */
    void text(String name, String text, String... attributes) throws XMLStreamException {
        element(name, () -> text(text), attributes);
    }

    /** A void element, such as HTML's {@code meta}. */
    void empty(String name, String... attributes) throws XMLStreamException {
        xml.writeEmptyElement(name);
        attributes(attributes);
    }

    /** One line of text. */
    void text(String text) throws XMLStreamException {
        xml.writeCharacters(Legible.line(text));
    }

    /** A space, or a line's end. */
    void gap(String blanks) throws XMLStreamException {
        xml.writeCharacters(blanks);
    }

    /** Trusted text without escaping, such as a style sheet, or lines that are already safe. */
    void verbatim(String text) throws XMLStreamException {
        xml.writeCharacters(text);
    }

    private void attributes(String... attributes) throws XMLStreamException {
        for (int i = 0; i < attributes.length; i += 2) {
            xml.writeAttribute(attributes[i], Legible.line(attributes[i + 1]));
        }
    }
}
