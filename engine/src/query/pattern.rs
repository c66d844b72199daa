//! From texts and patterns to one form that automata are made of.
//!
//! A line is looked at by itself, so nothing here can match a newline, `^` and `$` are its ends
//! whatever flags say, and bytes that are no UTF-8 count as one character each. `\d`, `\w`, `\s` and
//! `\b` are ASCII: their Unicode forms cost a third of the speed, and logs hardly need them.

use regex_syntax::ast::{
    Assertion, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet,
    ClassSetItem, Flag, Flags, FlagsItem, FlagsItemKind, Group, GroupKind, parse::ParserBuilder,
};
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look,
    Repetition, translate::TranslatorBuilder,
};
use tailwater_protocol::query::{Beside, Case, Pattern, Problem, QueryError, Span, Text};

/// How deep a pattern nests: it is read recursively.
const NEST: u32 = 50;

/// `text`, as a line holds it.
pub(super) fn of_text(text: &Text) -> Hir {
    match text.case() {
        Case::Matters => Hir::literal(text.0.as_bytes()),
        Case::Ignored if text.0.is_ascii() => {
            Hir::concat(text.0.bytes().map(either_case).collect())
        }
        Case::Ignored => {
            let escaped = regex_syntax::escape(&text.0);
            read(&escaped, Case::Ignored).unwrap_or_else(|_| Hir::literal(text.0.as_bytes()))
        }
    }
}

/// What `pattern` means.
pub(super) fn of_pattern(pattern: &Pattern) -> Result<Hir, QueryError> {
    let hir = read(&pattern.source, pattern.case).map_err(|error| within(pattern, &error))?;
    Ok(match pattern.beside {
        Beside::Anything => hir,
        Beside::NoWord => Hir::concat(vec![
            Hir::look(Look::WordStartHalfAscii),
            hir,
            Hir::look(Look::WordEndHalfAscii),
        ]),
    })
}

/// All of a value: `text`, in which each `*` is any text.
pub(super) fn of_glob(text: &Text) -> Hir {
    let mut parts = vec![Hir::look(Look::Start)];
    for (index, part) in text.0.split('*').enumerate() {
        if index > 0 {
            parts.push(any_bytes());
        }
        // Case is that of the whole text, and not of the part.
        let part = Text(part.to_owned());
        parts.push(match text.case() {
            Case::Matters => Hir::literal(part.0.as_bytes()),
            Case::Ignored => of_text(&part),
        });
    }
    parts.push(Hir::look(Look::End));
    Hir::concat(parts)
}

/// A problem with all of `pattern`.
pub(super) fn refused(pattern: &Pattern, why: &str) -> QueryError {
    QueryError { at: pattern.at, problem: Problem::Pattern(why.to_owned()) }
}

/// A pattern for many lines at once: it matches in every line in which `hir` does, and where its
/// matches begin and end there is no newline between.
pub(super) fn for_many_lines(hir: &Hir) -> Hir {
    match hir.kind() {
        // Before the text of a line may stand a byte order mark, or the NULs of a hole.
        HirKind::Look(Look::Start) => Hir::concat(vec![
            Hir::look(Look::StartLF),
            Hir::repetition(Repetition {
                min: 0,
                max: None,
                greedy: true,
                sub: Box::new(Hir::alternation(vec![
                    Hir::literal([0]),
                    Hir::literal(*b"\xef\xbb\xbf"),
                ])),
            }),
        ]),
        HirKind::Look(Look::End) => Hir::look(Look::EndCRLF),
        HirKind::Repetition(of) => Hir::repetition(of.with(for_many_lines(&of.sub))),
        HirKind::Concat(all) => Hir::concat(all.iter().map(for_many_lines).collect()),
        HirKind::Alternation(any) => Hir::alternation(any.iter().map(for_many_lines).collect()),
        _ => hir.clone(),
    }
}

/// Whether a match depends on where the line begins or ends.
pub(super) fn knows_ends(hir: &Hir) -> bool {
    hir.properties().look_set().contains_anchor()
}

fn either_case(byte: u8) -> Hir {
    if !byte.is_ascii_alphabetic() {
        return Hir::literal([byte]);
    }
    let range = |byte| ClassBytesRange::new(byte, byte);
    let both = [range(byte.to_ascii_uppercase()), range(byte.to_ascii_lowercase())];
    Hir::class(Class::Bytes(ClassBytes::new(both)))
}

fn any_bytes() -> Hir {
    let bytes = ClassBytes::new([ClassBytesRange::new(0, u8::MAX)]);
    let sub = Box::new(Hir::class(Class::Bytes(bytes)));
    Hir::repetition(Repetition { min: 0, max: None, greedy: false, sub })
}

struct Refusal {
    why: String,
    /// Where in the source.
    from: usize,
    to: usize,
}

fn read(source: &str, case: Case) -> Result<Hir, Refusal> {
    let refusal = |why: String, span: &regex_syntax::ast::Span| Refusal {
        why,
        from: span.start.offset,
        to: span.end.offset,
    };
    let ast = ParserBuilder::new().nest_limit(NEST).build().parse(source);
    let mut ast = ast.map_err(|error| refusal(error.kind().to_string(), error.span()))?;
    in_ascii(&mut ast);
    let mut translator =
        TranslatorBuilder::new().utf8(false).case_insensitive(case == Case::Ignored).build();
    let hir = translator.translate(source, &ast);
    let hir = hir.map_err(|error| refusal(error.kind().to_string(), error.span()))?;
    Ok(of_line(&hir))
}

/// The refusal of the source of `pattern`, in terms of the query.
fn within(pattern: &Pattern, refusal: &Refusal) -> QueryError {
    // A slash of the source was written with a backslash.
    let at = |offset: usize| {
        let before = pattern.source.get(..offset).unwrap_or(&pattern.source);
        let slashes = before.bytes().filter(|&byte| byte == b'/').count();
        let offset = pattern.at.start as usize + before.len() + slashes;
        u32::try_from(offset).unwrap_or(u32::MAX).min(pattern.at.end)
    };
    let (start, end) = (at(refusal.from), at(refusal.to));
    // One who stands at the end points at all of it.
    let at = if start < end { Span { start, end } } else { pattern.at };
    let why = refusal.why.lines().next().unwrap_or("it is not to be understood");
    QueryError {
        at,
        problem: Problem::Pattern(format!(
            "not a pattern: {why}; write `\\` before a sign to find the sign itself"
        )),
    }
}

/// Makes the classes and borders that are written with a letter ASCII.
fn in_ascii(ast: &mut Ast) {
    match ast {
        Ast::ClassPerl(class) => {
            let span = class.span;
            let kind = ClassSet::Item(ClassSetItem::Ascii(ascii(class)));
            *ast = Ast::class_bracketed(ClassBracketed { span, negated: false, kind });
        }
        Ast::ClassBracketed(class) => set_in_ascii(&mut class.kind),
        Ast::Assertion(of) => *ast = ascii_assertion(of),
        Ast::Repetition(of) => in_ascii(&mut of.ast),
        Ast::Group(of) => in_ascii(&mut of.ast),
        Ast::Alternation(any) => any.asts.iter_mut().for_each(in_ascii),
        Ast::Concat(all) => all.asts.iter_mut().for_each(in_ascii),
        Ast::Empty(_) | Ast::Flags(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) => {}
    }
}

fn set_in_ascii(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => item_in_ascii(item),
        ClassSet::BinaryOp(of) => {
            set_in_ascii(&mut of.lhs);
            set_in_ascii(&mut of.rhs);
        }
    }
}

fn item_in_ascii(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(class) => *item = ClassSetItem::Ascii(ascii(class)),
        ClassSetItem::Bracketed(class) => set_in_ascii(&mut class.kind),
        ClassSetItem::Union(of) => of.items.iter_mut().for_each(item_in_ascii),
        _ => {}
    }
}

fn ascii(class: &ClassPerl) -> ClassAscii {
    let kind = match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassAscii { span: class.span, kind, negated: class.negated }
}

/// `(?-u:…)` around an assertion, of which only those about words take notice.
fn ascii_assertion(of: &Assertion) -> Ast {
    let span = of.span;
    let item = |kind| FlagsItem { span, kind };
    let items = vec![item(FlagsItemKind::Negation), item(FlagsItemKind::Flag(Flag::Unicode))];
    let kind = GroupKind::NonCapturing(Flags { span, items });
    Ast::group(Group { span, kind, ast: Box::new(Ast::assertion(of.clone())) })
}

/// The same within a line: without newlines and groups, and with a place for what is no UTF-8.
fn of_line(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => class_of_line(class, Times::Once),
        HirKind::Look(look) => Hir::look(match look {
            Look::Start | Look::StartLF | Look::StartCRLF => Look::Start,
            Look::End | Look::EndLF | Look::EndCRLF => Look::End,
            other => *other,
        }),
        HirKind::Repetition(of) => {
            let sub = match (of.sub.kind(), of.max) {
                (HirKind::Class(class), None) if of.min <= 1 => class_of_line(class, Times::Many),
                _ => of_line(&of.sub),
            };
            Hir::repetition(of.with(sub))
        }
        HirKind::Capture(of) => of_line(&of.sub),
        HirKind::Concat(all) => Hir::concat(all.iter().map(of_line).collect()),
        HirKind::Alternation(any) => Hir::alternation(any.iter().map(of_line).collect()),
    }
}

/// Whether a class stands for one character, or for as many as there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    Many,
}

fn class_of_line(class: &Class, times: Times) -> Hir {
    let newline = ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]);
    let beyond_ascii = ClassBytesRange::new(0x80, 0xff);
    match class {
        Class::Bytes(bytes) => {
            let mut bytes = bytes.clone();
            bytes.difference(&newline);
            Hir::class(Class::Bytes(bytes))
        }
        Class::Unicode(chars) => {
            let mut chars = chars.clone();
            chars.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            without_lookalikes(&mut chars);
            let open = chars
                .ranges()
                .last()
                .is_some_and(|last| last.start() <= '\u{80}' && last.end() == char::MAX);
            if !open {
                return Hir::class(Class::Unicode(chars));
            }
            if times == Times::Once {
                let stray = Hir::class(Class::Bytes(ClassBytes::new([beyond_ascii])));
                return Hir::alternation(vec![Hir::class(Class::Unicode(chars)), stray]);
            }
            // Every character beyond ASCII, many times, is every byte beyond it, many times.
            chars.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            let mut bytes = ClassBytes::new([beyond_ascii]);
            let ascii = |range: &ClassUnicodeRange| {
                ClassBytesRange::new(range.start() as u8, range.end() as u8)
            };
            bytes.union(&ClassBytes::new(chars.ranges().iter().map(ascii)));
            Hir::class(Class::Bytes(bytes))
        }
    }
}

/// `k` and `s` in any case are also the sign for Kelvin and the long s, which nobody means and
/// which keep a word from being found quickly.
fn without_lookalikes(chars: &mut ClassUnicode) {
    let lookalikes = ['\u{17f}', '\u{212a}'].map(|char| ClassUnicodeRange::new(char, char));
    let beyond = chars.ranges().iter().filter(|range| !range.end().is_ascii());
    let only = beyond.clone().all(|range| lookalikes.contains(range));
    if only && chars.ranges().len() > beyond.count() {
        chars.difference(&ClassUnicode::new(lookalikes));
    }
}
