//! Every call of a map function, with what the rest of the binary says of it: names, lines, the types that dictionaries hold,
//! and where maps are made that a struct has in a field.

use std::collections::HashMap;

use crate::pclntab::Work;
use crate::sites::dictionaries::{Dictionaries, Program, ShapedCalls};
use crate::sites::relate::MAX_RELATED;
use crate::sites::{self, Body, Call, Field, InFunction, Landmarks, Passed, Struct, TypeSource};
use crate::types::{Types, split_arguments};
use crate::{Binary, Frame, Func, LinkAddr, MapSite, PossibleType, UnknownType};
use goabi::MapOp;

/// What is said of all call sites, in times the size of the file: sites are some hundred bytes of code apart.
const MAX_SITES_TIMES: u64 = 4;

/// All call sites of a binary. Sortedness: by address.
pub(crate) fn of<'a>(binary: &Binary<'a>) -> Vec<MapSite<'a>> {
    let named = binary.functions.iter().map(|func| (func.name, func.entry));
    let landmarks = Landmarks::collect(named);
    let constant_at = |addr| binary.image.constant(LinkAddr(addr));
    let mut found = Found::of(binary);
    let mut shaped = ShapedCalls::default();
    let types = found.types;
    let holds_maps = |map_type| match map_type {
        TypeSource::At(addr) => types.is_some_and(|types| types.map_of_elements(addr).is_some()),
        TypeSource::Dictionary(_) => true,
        TypeSource::Unknown(_) => false,
    };
    let mut scanned_to = LinkAddr(0);
    for func in binary.functions.iter() {
        // Functions that overlap are damage; code is looked at once.
        if func.entry < scanned_to {
            continue;
        }
        scanned_to = scanned_to.max(func.end);
        let Some(code) = binary.code(func) else { continue };
        let body = Body { start: func.entry, code };
        let in_function =
            sites::calls_in(binary.arch(), body, &landmarks, &constant_at, &holds_maps);
        shaped.add(&in_function.shaped);
        if found.add(func, in_function).is_none() {
            shaped.cut();
            break;
        }
    }
    let body_at = |addr| {
        let func = binary.functions.find(addr)?;
        Some(Body { start: func.entry, code: binary.code(func)? })
    };
    let program = Program {
        arch: binary.arch(),
        landmarks: &landmarks,
        constant_at: &constant_at,
        body_at: &body_at,
    };
    found.finish(Dictionaries::new(program, shaped))
}

/// Call sites found so far.
struct Found<'b, 'a> {
    binary: &'b Binary<'a>,
    types: Option<Types<'b, 'a>>,
    sites: Vec<MapSite<'a>>,
    /// By site.
    open: Vec<Open>,
    work: Work,
    /// Units: bytes.
    room: u64,
}

/// What is to be found out when all code was seen.
#[derive(Default)]
struct Open {
    /// Where the type is: in what the function with this entry is passed.
    dictionary: Option<(LinkAddr, Passed)>,
    /// Sites that may have made the map.
    made: Vec<usize>,
    /// Whether one of them in the same function did.
    is_new: bool,
    /// Whether each way that the map may have come is known.
    is_traced: bool,
    /// Of one that reads: sites near it that write, and may be on the same map.
    written: Vec<usize>,
    /// Sites on maps that hold it.
    held: Vec<usize>,
    /// The function, and fields of structs that the map is taken out of, or put into once it is made.
    fields: Option<(LinkAddr, Vec<Field>)>,
}

/// A field of structs, by name: pointers to them come from anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NamedField<'a> {
    /// Import path.
    package: String,
    name: &'a str,
    /// Type arguments, or their shapes: where a field stands may depend on them.
    arguments: &'a str,
    offset: i64,
}

impl<'b, 'a> Found<'b, 'a> {
    fn of(binary: &'b Binary<'a>) -> Self {
        Self {
            binary,
            types: binary.types().ok(),
            sites: Vec::new(),
            open: Vec::new(),
            work: Work::of_program(&binary.image),
            room: MAX_SITES_TIMES * binary.image.n_bytes() as u64,
        }
    }

    /// Adds those of a function; `None` when there are more than a program of this size can have.
    fn add(&mut self, func: Func<'a>, in_function: InFunction) -> Option<()> {
        let InFunction { calls, relations, .. } = in_function;
        // Of a call whose function has no name, none is known.
        let mut sites_of_calls: Vec<Option<usize>> = Vec::with_capacity(calls.len());
        for call in &calls {
            sites_of_calls.push(match self.binary.functions.find(call.callee) {
                Some(callee) => Some(self.add_call(func, call, callee.name)?),
                None => None,
            });
        }
        let sites_of = |calls: &[usize]| {
            calls.iter().filter_map(|&call| *sites_of_calls.get(call)?).collect::<Vec<_>>()
        };
        for (site, of) in sites_of_calls.iter().zip(relations) {
            if let Some(open) = site.and_then(|site| self.open.get_mut(site)) {
                (open.made, open.held) = (sites_of(&of.made), sites_of(&of.held));
                open.written = sites_of(&of.written);
                (open.is_new, open.is_traced) = (of.is_new, of.is_traced);
                open.fields = (!of.fields.is_empty()).then_some((func.entry, of.fields));
            }
        }
        Some(())
    }

    fn add_call(&mut self, func: Func<'a>, call: &Call, callee: &'a str) -> Option<usize> {
        let map_type = match call.map_type {
            TypeSource::At(addr) => self.check_map(addr),
            TypeSource::Dictionary(_) if sites::is_of_shapes(func.name) => {
                Err(UnknownType::GenericDictionary)
            }
            TypeSource::Dictionary(_) => Err(UnknownType::FromMemory),
            TypeSource::Unknown(why) => Err(why),
        };
        let dictionary = match (map_type, call.map_type) {
            (Err(UnknownType::GenericDictionary), TypeSource::Dictionary(passed)) => {
                Some((func.entry, passed))
            }
            _ => None,
        };
        let frames = self.binary.functions.frames(&self.binary.image, call.addr, &mut self.work);
        self.room = self.room.checked_sub(self.n_bytes(&frames, callee, map_type.ok()))?;
        self.sites.push(MapSite {
            addr: call.addr,
            op: call.op,
            callee,
            map_type,
            possible_types: Vec::new(),
            held_by: Vec::new(),
            made_at: Vec::new(),
            is_new: false,
            is_traced: false,
            is_in_frame: call.is_in_frame,
            written_at: Vec::new(),
            frames,
        });
        self.open.push(Open { dictionary, ..Open::default() });
        Some(self.sites.len() - 1)
    }

    fn check_map(&self, addr: LinkAddr) -> Result<LinkAddr, UnknownType> {
        match &self.types {
            Some(types) => types.check_map(addr),
            None => Err(UnknownType::NotAMapType),
        }
    }

    /// What it takes to keep a site, with its texts. Units: bytes.
    fn n_bytes(&self, frames: &[Frame<'_>], callee: &str, map_type: Option<LinkAddr>) -> u64 {
        let frame =
            |frame: &Frame<'_>| size_of::<Frame>() + frame.function.len() + frame.file.len();
        let n_texts = frames.iter().map(frame).sum::<usize>() + callee.len();
        let n_type = map_type.zip(self.types.as_ref());
        let n_type = n_type.map_or(0, |(addr, types)| types.text_bytes(addr));
        (size_of::<MapSite>() + size_of::<Open>() + n_texts) as u64 + n_type
    }

    fn finish(mut self, mut dictionaries: Dictionaries<'_, '_>) -> Vec<MapSite<'a>> {
        for idx in 0..self.sites.len() {
            if let Some((entry, passed)) = self.open[idx].dictionary {
                self.take_from_dictionaries(idx, entry, passed, &mut dictionaries);
            }
        }
        self.follow_fields(&mut dictionaries);
        self.type_makes();
        for idx in 0..self.sites.len() {
            let type_of = |&held: &usize| self.sites[held].map_type.ok();
            let mut held_by: Vec<LinkAddr> =
                self.open[idx].held.iter().filter_map(type_of).collect();
            held_by.sort_unstable();
            held_by.dedup();
            let Open { made, written, is_new, is_traced, .. } = &self.open[idx];
            let [made_at, written_at] =
                [made, written].map(|of| of.iter().map(|&site| self.sites[site].addr).collect());
            let (is_new, is_traced) = (*is_new, *is_traced);
            let site = &mut self.sites[idx];
            (site.held_by, site.made_at, site.written_at) = (held_by, made_at, written_at);
            (site.is_new, site.is_traced) = (is_new, is_traced);
        }
        self.sites
    }

    /// The type of a site in generic code, where all that call it mean the same one.
    fn take_from_dictionaries(
        &mut self,
        idx: usize,
        entry: LinkAddr,
        passed: Passed,
        dictionaries: &mut Dictionaries<'_, '_>,
    ) {
        let held = dictionaries.held(entry, passed);
        let maps = held.addrs.iter().filter_map(|&addr| self.check_map(addr).ok());
        let maps: Vec<LinkAddr> = maps.collect();
        let is_complete = held.is_complete && maps.len() == held.addrs.len();
        let n_names: u64 = maps.iter().filter_map(|&addr| Some(self.types?.text_bytes(addr))).sum();
        let n_calls = (held.calls.len() * size_of::<LinkAddr>()) as u64;
        let Some(room) = self.room.checked_sub(n_names + n_calls) else { return };
        self.room = room;
        let site = &mut self.sites[idx];
        match maps.as_slice() {
            [only] if is_complete => site.map_type = Ok(*only),
            _ => {
                let possible = |map_type: LinkAddr| {
                    let calls = held.calls.iter().filter(|&&(held, _)| held == map_type);
                    PossibleType { map_type, called_at: calls.map(|&(_, call)| call).collect() }
                };
                site.possible_types = maps.into_iter().map(possible).collect();
            }
        }
    }

    /// Maps that are taken out of a field may be those that are put into it.
    fn follow_fields(&mut self, dictionaries: &mut Dictionaries<'_, '_>) {
        let mut makes: HashMap<NamedField<'a>, Vec<usize>> = HashMap::new();
        let mut uses: Vec<(usize, NamedField<'a>)> = Vec::new();
        for (idx, open) in self.open.iter().enumerate() {
            let Some((entry, fields)) = &open.fields else { continue };
            let Some(func) = self.binary.functions.find(*entry) else { continue };
            let is_make = self.sites[idx].op == MapOp::Make;
            for field in fields.iter().filter_map(|field| self.named(func, field, dictionaries)) {
                match is_make {
                    true => {
                        let makes = makes.entry(field).or_default();
                        if makes.len() < MAX_RELATED {
                            makes.push(idx);
                        }
                    }
                    false => uses.push((idx, field)),
                }
            }
        }
        for (idx, field) in uses {
            for &make in makes.get(&field).into_iter().flatten() {
                let (used, made) = (&self.sites[idx], self.sites[make].map_type);
                let is_possible =
                    |addr| used.possible_types.iter().any(|possible| possible.map_type == addr);
                let fits = made == Err(UnknownType::NoTypeArgument)
                    || used.map_type == made
                    || made.is_ok_and(is_possible);
                if fits && !self.open[idx].made.contains(&make) {
                    self.open[idx].made.push(make);
                }
            }
        }
    }

    /// The field of a struct that a function has a pointer to.
    fn named(
        &self,
        func: Func<'a>,
        field: &Field,
        dictionaries: &mut Dictionaries<'_, '_>,
    ) -> Option<NamedField<'a>> {
        let offset = field.offset;
        let [package, name, arguments] = match field.of {
            Struct::Receiver => receiver(func.name)?,
            Struct::New(TypeSource::At(addr)) => self.types?.named_struct(addr)?,
            // The dictionary has the arguments; what is made is of their shapes, as the function is.
            Struct::New(TypeSource::Dictionary(passed)) if sites::is_of_shapes(func.name) => {
                let held = dictionaries.held(func.entry, passed);
                let [package, name, _] = self.types?.named_struct(*held.addrs.first()?)?;
                [package, name, split_arguments(func.name).1]
            }
            Struct::New(_) => return None,
        };
        // The symbols of functions have the dots of the last element of a path escaped.
        Some(NamedField { package: package.replace("%2e", "."), name, arguments, offset })
    }

    /// Gives calls that make small maps, which are not told the type, that of what is done with the map.
    fn type_makes(&mut self) {
        let mut by_make: HashMap<usize, Vec<LinkAddr>> = HashMap::new();
        for (site, open) in self.sites.iter().zip(&self.open) {
            if let Ok(map_type) = site.map_type {
                open.made.iter().for_each(|&made| by_make.entry(made).or_default().push(map_type));
            }
        }
        for (idx, open) in self.open.iter().enumerate() {
            let outer = open.held.iter().filter_map(|&held| self.sites[held].map_type.ok());
            for inner in outer.filter_map(|outer| self.types?.map_of_elements(outer)) {
                by_make.entry(idx).or_default().push(inner);
            }
        }
        for (idx, types) in by_make {
            let site = &mut self.sites[idx];
            let (Some(first), Err(UnknownType::NoTypeArgument)) = (types.first(), site.map_type)
            else {
                continue;
            };
            if site.op == MapOp::Make && types.iter().all(|other| other == first) {
                site.map_type = Ok(*first);
            }
        }
    }
}

/// Package, type and type arguments of the pointer that a method is called on: `a/b`, `T` and `X` of `a/b.(*T[X]).m`.
fn receiver(method: &str) -> Option<[&str; 3]> {
    let (package, rest) = method.split_once(".(*")?;
    let (of, method) = rest.rsplit_once(").")?;
    // Function literals and wrappers are passed something else.
    let is_method = !method.contains(['.', '-']);
    let (name, arguments) = split_arguments(of);
    is_method.then_some([package, name, arguments])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_tells_what_its_first_argument_points_to() {
        let cases = [
            ("a.io/b.(*T).put", Some(["a.io/b", "T", ""])),
            ("main.(*set[go.shape.string]).add", Some(["main", "set", "go.shape.string"])),
            ("main.(*T).put.func1", None),
            ("main.(*T).put-fm", None),
            ("main.T.put", None),
            ("main.put", None),
        ];
        for (name, of) in cases {
            assert_eq!(receiver(name), of, "{name}");
        }
        assert_eq!(split_arguments("main.newSet[[]int,string]"), ("main.newSet", "[]int,string"));
        assert_eq!(split_arguments("main.newSet"), ("main.newSet", ""));
    }
}
